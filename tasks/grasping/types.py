"""Values that pass between the algorithms and the worlds of grasp collection.

Frames and units, used in every file of this system:

- *base*: the robot's base frame. Origin in the middle of the arm's foot, x forward to the bin,
  y to the left, z up; metres and radians.
- *camera*: x right, y down, z forward (OpenCV); the centre of the top left pixel is (0, 0).
- *TCP*: the point midway between the closed finger tips. The gripper always points down; its
  yaw is the angle about base z from base x to the axis along which the fingers close, and yaw
  and yaw + pi are the same grasp.
- *command*: what the grasp predictor is asked about, after S. Levine et al., "Learning Hand-Eye
  Coordination for Robotic Grasping with Deep Learning and Large-Scale Data Collection", IJRR
  2018, section 4: from the current TCP to the pose where the fingers are told to close,
  ``(dx, dy, dz, sin 2dyaw, cos 2dyaw)``, the doubled angle because a parallel gripper is
  symmetric.
- *motion*: the same to the pose where they closed. A gripper that meets something stops early,
  so motions give part of the outcome away, and no predictor can be asked about one beforehand:
  Levine's arm went where it was told, and there the two are one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
ByteImage = npt.NDArray[np.uint8]

Split = Literal["train", "validation", "held_out"]


class SemanticClass(IntEnum):
    """What a pixel shows."""

    BACKGROUND = 0
    TRAY = 1
    OBJECT = 2
    ARM = 3
    GRIPPER = 4


@dataclass(frozen=True)
class Camera:
    """A calibrated pinhole camera.

    Attributes:
        width_px: Image width.
        height_px: Image height.
        fx_px: Focal length along x.
        fy_px: Focal length along y.
        cx_px: Principal point, x.
        cy_px: Principal point, y.
        camera_from_base: Rigid transform, (4, 4).
        distortion: Radial lens distortion k1, k2 (OpenCV); zero for an ideal lens.
    """

    width_px: int
    height_px: int
    fx_px: float
    fy_px: float
    cx_px: float
    cy_px: float
    camera_from_base: FloatArray
    distortion: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Rendering:
    """What a camera sees.

    Attributes:
        camera: The camera as it really was.
        rgb: Finished picture, (h, w, 3), RGB.
        class_ids: `SemanticClass` of each pixel, (h, w).
        instance_ids: 0, or 1 + the object's index in the scene, (h, w), uint8.
        part_ids: 0, or 1 + the link's index where arm and gripper are seen, (h, w), uint8.
        depth_m: Distance along the optical axis, (h, w), float32; infinite where nothing is.
            None unless asked for.
        shading: What the lights of the scene make of a white surface, (h, w), uint8. None
            unless asked for.
    """

    camera: Camera
    rgb: ByteImage
    class_ids: ByteImage
    instance_ids: ByteImage
    part_ids: ByteImage
    depth_m: Float32Array | None = None
    shading: ByteImage | None = None


@dataclass(frozen=True)
class GripperPose:
    """A pose of the downward gripper in the base frame.

    Attributes:
        x_m: TCP, x.
        y_m: TCP, y.
        z_m: TCP, z.
        yaw_rad: Angle of the closing axis, in [-pi/2, pi/2).
    """

    x_m: float
    y_m: float
    z_m: float
    yaw_rad: float


@dataclass(frozen=True)
class ObjectModel:
    """An object that can be thrown into the bin.

    Attributes:
        object_id: Unique name: family and number or word, e.g. ``procedural/0421``.
        family: ``procedural``, ``everyday`` or ``folder``.
        split: The part of the data that may show it; fixed for each object.
        path: URDF file of the model, as found on this machine.
        reach_m: No point of it is further from its centre of mass.
    """

    object_id: str
    family: str
    split: Split
    path: str
    reach_m: float = 0.115

    @property
    def has_true_inertia(self) -> bool:
        """Whether its file's inertia is a body's: the procedural shapes' are placeholders."""
        return self.family != "procedural"


@dataclass(frozen=True)
class PlacedObject:
    """An object of one scene and how it is let fall.

    Attributes:
        model: What it is.
        position_m: Where its centre of mass is let go, base frame.
        quaternion_xyzw: How its link is turned then.
    """

    model: ObjectModel
    position_m: tuple[float, float, float]
    quaternion_xyzw: tuple[float, float, float, float]


@dataclass(frozen=True)
class Dynamics:
    """Physical properties of a scene's objects; one value per object where a tuple.

    Attributes:
        mass_scale: Factor on the model's own mass.
        friction: Lateral friction coefficient of the objects.
        finger_friction: Lateral friction coefficient of the fingers.
        restitution: Coefficient of restitution of the objects.
        damping: Linear and angular velocity damping of the objects.
    """

    mass_scale: tuple[float, ...]
    friction: tuple[float, ...]
    finger_friction: float
    restitution: tuple[float, ...]
    damping: tuple[float, ...]


@dataclass(frozen=True)
class SurfaceLook:
    """How one surface is painted.

    Attributes:
        texture: Index of the texture; -1 for a plain colour.
        tint: Factor on the texture's colours, or the plain colour itself, RGB in [0, 1].
        scale_m: Length of one repeat of the texture.
        turn_rad: Rotation of the texture.
        shift: Offset of the texture, in repeats along both of its axes.
    """

    texture: int
    tint: tuple[float, float, float]
    scale_m: float
    turn_rad: float
    shift: tuple[float, float]


@dataclass(frozen=True)
class Print:
    """A flat patch that is printed on the bin's floor.

    Attributes:
        shape: ``ell`` is a bar that lacks a quarter.
        centre_m: Its middle, x and y in the base frame.
        half_m: Half its length along both of its axes.
        turn_rad: Angle from base x to its first axis.
        colours: RGB in [0, 1] on either side of its second axis, as two faces of a thing.
    """

    shape: Literal["bar", "ellipse", "ell"]
    centre_m: tuple[float, float]
    half_m: tuple[float, float]
    turn_rad: float
    colours: tuple[tuple[float, float, float], tuple[float, float, float]]


@dataclass(frozen=True)
class Look:
    """Appearance of a scene.

    Attributes:
        background: The table and floor around the bin.
        tray: The bin.
        arm: Arm and gripper.
        objects: One for each object.
        light_direction: Unit vector from the bin to the main light, base frame.
        light_colour: RGB, 1 is white.
        ambient: Share of light that comes from everywhere, in [0, 1].
        shadow_strength: How dark a cast shadow is, in [0, 1].
        noise_sigma: Standard deviation of the sensor's noise, in grey values of 255.
        blur_px: Standard deviation of the lens blur.
        gain: Exposure, one factor per channel RGB.
        motion_px: How far the picture moves during the exposure, x and y.
        prints: What is printed on the bin's floor; the later over the earlier.
    """

    background: SurfaceLook
    tray: SurfaceLook
    arm: SurfaceLook
    objects: tuple[SurfaceLook, ...]
    light_direction: tuple[float, float, float]
    light_colour: tuple[float, float, float]
    ambient: float
    shadow_strength: float
    noise_sigma: float
    blur_px: float
    gain: tuple[float, float, float]
    motion_px: tuple[float, float] = (0.0, 0.0)
    prints: tuple[Print, ...] = ()


@dataclass(frozen=True)
class Scene:
    """Everything that decides what a scene is, drawn before any world sees it.

    Attributes:
        scene_id: Unique within a data set.
        objects: What lies in the bin.
        dynamics: Physical properties.
        camera: The camera.
        look: Appearance; None for the world's own plain one.
        noise_seed: Seed of the sensor noise.
        calibration: What the camera's calibration says of it; None where that is the truth.
    """

    scene_id: str
    objects: tuple[PlacedObject, ...]
    dynamics: Dynamics
    camera: Camera
    look: Look | None
    noise_seed: int
    calibration: Camera | None = None


@dataclass(frozen=True)
class ObjectState:
    """Where an object of the scene lies.

    Attributes:
        position_m: Origin of its link, as its URDF file has it, base frame.
        quaternion_xyzw: Orientation of its link.
        centre_m: Centre of mass, base frame.
        is_in_bin: Whether its centre of mass lies inside the bin's walls.
    """

    position_m: tuple[float, float, float]
    quaternion_xyzw: tuple[float, float, float, float]
    centre_m: tuple[float, float, float]
    is_in_bin: bool


@dataclass(frozen=True)
class Step:
    """One decision of an attempt: what was seen, and where the gripper went from there.

    Attributes:
        rendering: The picture with the arm in it, before the move.
        pose: TCP where the picture was taken, as measured.
        target: TCP that was commanded.
        reached: TCP after the move, as measured.
    """

    rendering: Rendering
    pose: GripperPose
    target: GripperPose
    reached: GripperPose


@dataclass(frozen=True)
class Attempt:
    """One grasp attempt and what came of it.

    Attributes:
        steps: The decisions, first to last; a one-shot attempt has one. The fingers close at
            ``steps[-1].reached``.
        is_success: Whether an object hangs between the fingers after the lift.
        lifted_object: Index of that object in the scene; None without success.
        lift_height_m: How far the highest object rose above where it lay; 0 if stopped early.
        finger_gap_m: Distance between the finger tips after the lift.
        is_stopped_early: Whether the rest of the attempt was left out because nothing was
            touched.
    """

    steps: tuple[Step, ...]
    is_success: bool
    lifted_object: int | None
    lift_height_m: float
    finger_gap_m: float
    is_stopped_early: bool


def motion_command(pose: GripperPose, closing: GripperPose) -> FloatArray:
    """What leads from a pose to a closing pose, (5,); see the module's docstring.

    Args:
        pose: The current TCP.
        closing: Where the fingers are told to close, for a command; where they closed, for a
            motion.
    """
    turn_rad = closing.yaw_rad - pose.yaw_rad
    return np.array(
        [
            closing.x_m - pose.x_m,
            closing.y_m - pose.y_m,
            closing.z_m - pose.z_m,
            np.sin(2 * turn_rad),
            np.cos(2 * turn_rad),
        ]
    )
