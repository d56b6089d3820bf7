"""The program of bioimage.io itself loads and runs what is exported.

It stands in an environment of its own: `tox run -e bioimageio`.
"""

from __future__ import annotations

import pytest

from napari_unet.share.package import export_model

core = pytest.importorskip("bioimageio.core")
pytestmark = pytest.mark.filterwarnings("default")


@pytest.mark.parametrize(
    "network",
    [
        {"depth": 3},
        {"padding": "valid", "num_classes": 3, "in_channels": 2, "norm": "group"},
        {"ndim": 3, "flat_levels": 1, "num_classes": 1, "norm": "instance"},
    ],
    ids=str,
)
def test_every_format_of_the_weights_passes_its_own_test(tmp_path, model, network):
    card = {"pixel_size": (9.0, 3.7, 3.7), "unit": "nm"}
    path = tmp_path / "model.zip"
    assert len(export_model(model(card, **network), path).differences) == 3
    described = core.load_model_description(path)
    for weights in ("pytorch_state_dict", "torchscript", "onnx"):
        summary = core.test_model(described, weight_format=weights)
        assert summary.status == "passed", summary.display()


def test_it_predicts_a_whole_image_as_the_model_does(tmp_path, model):
    """A whole image in one go, normalised by it, gives the model's own answer."""
    import numpy as np
    import torch
    from bioimageio.core import Sample, create_prediction_pipeline
    from bioimageio.core.digest_spec import create_sample_for_model

    made = model(padding="valid")
    export_model(made, tmp_path / "model.zip")
    described = core.load_model_description(tmp_path / "model.zip")
    image = np.random.default_rng(0).normal(90, 20, (1, 1, 108, 112))
    sample = create_sample_for_model(described, inputs={"image": image})
    with create_prediction_pipeline(described) as pipeline:
        found: Sample = pipeline.predict_sample_without_blocking(sample)
    answer = found.members["probabilities"].data.values
    plain = ((image - image.mean()) / image.std()).astype(np.float32)
    with torch.inference_mode():
        expected = torch.softmax(made.network(torch.from_numpy(plain)), 1).numpy()
    np.testing.assert_allclose(answer, expected, atol=1e-5)
