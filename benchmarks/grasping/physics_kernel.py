"""A fixed piece of physics, timed beside a measurement, so that machines can be compared.

240 steps of PyBullet at its defaults (240 Hz, 50 solver iterations): a Kuka arm with gripper
holds its pose over a tray into which five fixed objects fall. It stands on PyBullet alone, so
that no change of ours makes it faster or slower. Stated attempts per CPU second were turned
into multiples of it once, before anything was optimised, and the multiple is what later
measurements are held against.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

# One over 12 and over 30 attempts per CPU second, by 0.1165 s: the least of 60 runs on an AMD
# EPYC core, 2026-11-23.
ATTEMPT_128PX_BOUND_MULTIPLE = 0.715
SURROGATE_ATTEMPT_BOUND_MULTIPLE = 0.286

NUM_STEPS = 240
_OBJECTS = ("000", "001", "002", "003", "004")


class PhysicsKernel:
    """Times the fixed work; call `run` between the pieces of what is measured."""

    def __init__(self) -> None:
        import pybullet
        import pybullet_data
        from pybullet_utils.bullet_client import BulletClient

        data = Path(pybullet_data.getDataPath())
        self._bullet = bullet = BulletClient(pybullet.DIRECT)
        bullet.setGravity(0, 0, -9.81)
        bullet.setPhysicsEngineParameter(deterministicOverlappingPairs=1)
        bullet.loadURDF(str(data / "plane.urdf"), [0, 0, -1])
        (arm,) = bullet.loadSDF(str(data / "kuka_iiwa" / "kuka_with_gripper2.sdf"))
        bullet.resetBasePositionAndOrientation(arm, [-0.1, 0, 0.07], [0, 0, 0, 1])
        for joint in range(bullet.getNumJoints(arm)):
            bullet.setJointMotorControl2(arm, joint, bullet.POSITION_CONTROL, 0.0, force=200.0)
        bullet.loadURDF(str(data / "tray" / "tray.urdf"), [0.64, 0.075, -0.19])
        for place, name in enumerate(_OBJECTS):
            path = data / "random_urdfs" / name / f"{name}.urdf"
            bullet.loadURDF(str(path), [0.6, 0.0, -0.1 + 0.08 * place])
        self._start = bullet.saveState()
        self._times_s: list[float] = []
        self._steps()

    def run(self, repeats: int = 5) -> float:
        """Time the work a few times; returns the median of these in CPU seconds."""
        times_s = [self._steps() for _ in range(repeats)]
        self._times_s += times_s
        return float(np.median(times_s))

    @property
    def median_s(self) -> float:
        """Median CPU seconds of all that was timed."""
        return float(np.median(self._times_s))

    def close(self) -> None:
        """End the simulation."""
        self._bullet.disconnect()

    def _steps(self) -> float:
        self._bullet.restoreState(self._start)
        begun_s = time.process_time()
        for _ in range(NUM_STEPS):
            self._bullet.stepSimulation()
        return time.process_time() - begun_s
