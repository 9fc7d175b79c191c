"""Heat maps from the codebook."""

import pytest

torch = pytest.importorskip("torch", reason="the extra [train] is not installed")

from earwitness.atlas.sat2sound.config import Config, Sizes  # noqa: E402
from earwitness.atlas.sat2sound.heat import concept_heat  # noqa: E402
from earwitness.atlas.sat2sound.model import Sat2Sound  # noqa: E402
from earwitness.errors import OptionError  # noqa: E402


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return Sat2Sound(Config(sizes=Sizes.small())).eval()


def states(model, count=3):
    width = model.config.sizes.text_width
    return torch.randn(count, 5, width, generator=torch.Generator().manual_seed(1))


def test_each_description_has_a_map_of_its_own_from_0_to_1(model):
    image = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(2))
    heat = concept_heat(model, image, states(model), zoom=torch.ones(1))
    assert heat.shape == (3, 14, 14)
    assert torch.allclose(heat.amin(dim=(1, 2)), torch.zeros(3))
    assert torch.allclose(heat.amax(dim=(1, 2)), torch.ones(3))
    assert not torch.allclose(heat[0], heat[1])


def test_one_code_gives_that_codes_scores(model):
    """With a single code the map is that code's plain scores, brought to 0 to 1."""
    image = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(3))
    words = states(model, 1)
    heat = concept_heat(model, image, words, zoom=torch.ones(1), most_codes=1)[0]
    code = model.fdt(words, "text")[1].argmax(dim=1)
    tokens, keep = model.image_tokens(image, zoom=torch.ones(1))
    plain = model.fdt.token_scores(tokens, "image", keep, code)[0, :196, 0].reshape(14, 14)
    plain = (plain - plain.min()) / (plain.max() - plain.min())
    assert torch.allclose(heat, plain, atol=1e-5)


def test_more_than_one_image_is_refused(model):
    with pytest.raises(OptionError, match="one at a time"):
        concept_heat(model, torch.zeros(2, 3, 224, 224), states(model), zoom=torch.ones(2))
