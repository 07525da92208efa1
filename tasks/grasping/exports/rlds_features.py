"""What an RLDS episode holds, declared as TensorFlow Datasets wants it in ``features.json``."""

from __future__ import annotations

from typing import Any, Final

from tasks.grasping.exports.episodes import (
    ACTION_NAMES,
    CAMERAS,
    MOTION_NAMES,
    OBJECTS,
    STATE_NAMES,
)

TEXTS: Final = (
    *("attempt_id", "scene_id", "world", "split", "policy", "object_family"),
    *("dynamics", "look"),
)
"""Columns of the row that an episode's metadata repeat as text."""
_PACKAGE: Final = "tensorflow_datasets.core.features"


def features(width_px: int, height_px: int) -> dict[str, Any]:
    """``features.json`` of pictures of one size."""
    picture, mask = _image(height_px, width_px, 3), _image(height_px, width_px, 1)
    steps = _dict(
        observation=_dict(
            image=picture,
            class_mask=mask,
            instance_mask=mask,
            state=_tensor("float32", len(STATE_NAMES)),
        ),
        action=_tensor("float32", len(ACTION_NAMES)),
        command=_tensor("float32", len(MOTION_NAMES)),
        motion=_tensor("float32", len(MOTION_NAMES)),
        reward=_tensor("float32"),
        discount=_tensor("float32"),
        is_first=_tensor("bool"),
        is_last=_tensor("bool"),
        is_terminal=_tensor("bool"),
        language_instruction=_text(),
    )
    metadata = _dict(
        image_before=picture,
        class_mask_before=mask,
        instance_mask_before=mask,
        is_success=_tensor("bool"),
        is_uniform=_tensor("bool"),
        is_stopped_early=_tensor("bool"),
        lift_height_m=_tensor("float32"),
        finger_gap_m=_tensor("float32"),
        lifted_object=_text(),
        **{name: _text() for name in TEXTS},
        object_ids=_list("sequence_feature.Sequence", _text()),
        **{name: _tensor("float32", *shape) for name, shape in CAMERAS.items()},
        **{
            name: _list("sequence_feature.Sequence", _tensor("float32", length))
            for name, length in OBJECTS.items()
        },
    )
    return _dict(steps=_list("dataset_feature.Dataset", steps), episode_metadata=metadata)


def _dict(**features: dict[str, Any]) -> dict[str, Any]:
    return {
        "pythonClassName": f"{_PACKAGE}.features_dict.FeaturesDict",
        "featuresDict": {"features": features},
    }


def _list(kind: str, feature: dict[str, Any]) -> dict[str, Any]:
    return {
        "pythonClassName": f"{_PACKAGE}.{kind}",
        "sequence": {"feature": feature, "length": "-1"},
    }


def _tensor(dtype: str, *shape: int) -> dict[str, Any]:
    return {
        "pythonClassName": f"{_PACKAGE}.tensor_feature.Tensor",
        "tensor": {"dtype": dtype, "encoding": "none", "shape": _shape(*shape)},
    }


def _text() -> dict[str, Any]:
    return {"pythonClassName": f"{_PACKAGE}.text_feature.Text", "text": {}}


def _image(*shape: int) -> dict[str, Any]:
    return {
        "pythonClassName": f"{_PACKAGE}.image_feature.Image",
        "image": {"dtype": "uint8", "encodingFormat": "png", "shape": _shape(*shape)},
    }


def _shape(*dimensions: int) -> dict[str, Any]:
    return {"dimensions": [str(each) for each in dimensions]} if dimensions else {}
