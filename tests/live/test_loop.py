"""The loop without a window: a script that paints and looks."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from functools import partial
from threading import Event

import numpy as np
import pytest

from napari_unet.config import (
    AnnotationKind,
    PostprocessConfig,
    RunConfig,
    TrainConfig,
    UNetConfig,
)
from napari_unet.data.fingerprint import fingerprint
from napari_unet.data.normalize import Normalization
from napari_unet.data.regions import Region, Role, roles_on
from napari_unet.data.stack import Stack
from napari_unet.errors import InputError
from napari_unet.live.events import Idle, Kept, LiveStep, Preview
from napari_unet.live.loop import LiveLoop
from napari_unet.model.card import read_card
from napari_unet.model.checkpoint import Model, load_model
from napari_unet.model.seen import trained_slices
from napari_unet.samples import em_stack
from napari_unet.train.choose_finish import several_classes
from napari_unet.train.run_folder import RunFolder

SHAPE = (4, 96, 112)


@pytest.fixture(scope="module")
def em():
    return em_stack(SHAPE, seed=3)


def settings(**train):
    given = {"live_patch_size": 64, "batch_size": 2, "threads": 1, **train}
    return RunConfig(
        network=UNetConfig(base_channels=8, depth=2), train=TrainConfig(**given)
    )


def loop_on(em, **options):
    config = options.pop("config", settings())
    return LiveLoop(em[0], config=config, **options)


def scribbles(em, z, box=(slice(None), slice(None))):
    painted = np.zeros(SHAPE[1:], np.uint8)
    painted[box] = (em[1][z][box] > 0) + 1
    return painted


def take(loop, until, most=400):
    """Run until an item is what is waited for; return all items."""
    items, stop = [], Event()
    for item in loop.run(stop):
        items.append(item)
        if until(item) or len(items) >= most:
            stop.set()
    assert until(items[-1]) or any(until(item) for item in items), items[-1]
    return items


def is_step(number):
    return lambda item: isinstance(item, LiveStep) and item.step >= number


def is_preview(after=0):
    return lambda item: isinstance(item, Preview) and item.step >= after


def iou(one, other):
    return np.count_nonzero(one & other) / np.count_nonzero(one | other)


def test_it_waits_until_something_is_painted_and_says_so(em):
    loop = loop_on(em)
    first = next(loop.run())
    assert isinstance(first, Idle)
    assert "Paint background" in first.reason


def test_it_sleeps_while_there_is_nothing_to_do(em, tmp_path, monkeypatch):
    loop = loop_on(em, folder=RunFolder(tmp_path))
    loop.requests.look_at(1)
    loop.requests.keep()
    rounds, stop = [], Event()
    take_annotations = loop._take_annotations

    def counted():
        rounds.append(take_annotations())
        if len(rounds) > 8:
            stop.set()

    monkeypatch.setattr(loop, "_take_annotations", counted)
    began = time.monotonic()
    list(loop.run(stop))
    # All but the first of the rounds waited for something to do.
    assert time.monotonic() - began > 1


def test_it_learns_from_one_slice_and_shows_another(em):
    loop = loop_on(em)
    loop.requests.update(1, scribbles(em, 1))
    loop.requests.look_at(2)
    items = take(loop, is_preview(after=80))
    steps = [item for item in items if isinstance(item, LiveStep)]
    assert np.mean([s.loss for s in steps[-10:]]) < steps[0].loss
    assert (steps[-1].pixels, steps[-1].slices) == (96 * 112, 1)
    shown = [item for item in items if isinstance(item, Preview)][-1]
    assert shown.core == (slice(2, 3), slice(0, 96), slice(0, 112))
    assert iou(shown.labels[0] > 0, em[1][2] > 0) > 0.75
    assert shown.updates == 1


def test_a_region_is_predicted_alone_with_probabilities(em):
    stack = em_stack((4, 300, 160), seed=3)[0]
    loop = LiveLoop(stack, config=settings())
    painted = np.zeros((300, 160), np.uint8)
    painted[:20], painted[30:] = 1, 2
    loop.requests.update(0, painted)
    region = (slice(140, 150), slice(-5, 300))
    loop.requests.look_at(3, region)
    shown = next(item for item in take(loop, is_preview()) if is_preview()(item))
    # Widened to blocks of 128 pixels.
    assert shown.core == (slice(3, 4), slice(128, 256), slice(128, 160))
    assert shown.probabilities.shape == (2, 1, 128, 32)
    np.testing.assert_allclose(shown.probabilities.sum(axis=0), 1, atol=1e-3)


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_a_view_of_the_info_bar_alone_shows_nothing_and_learning_goes_on(em, padding):
    stack = replace(em[0], info_bar=16)
    network = UNetConfig(base_channels=4, depth=1, padding=padding)
    config = settings().changed("the test", network=network)
    loop = LiveLoop(stack, config=config)
    loop.requests.update(0, scribbles(em, 0))
    loop.requests.look_at(0, (slice(82, 96), slice(0, 60)))
    stop = Event()
    items = loop.run(stop)
    assert [type(next(items)) for _ in range(5)] == [LiveStep] * 5
    loop.requests.look_at(0, (slice(60, 96), slice(0, 60)))
    shown = next(items)
    assert isinstance(shown, Preview)
    assert shown.core[1] == slice(0, 80)
    stop.set()


def test_a_view_that_moves_is_predicted_before_the_next_step(em):
    loop = loop_on(em)
    loop.requests.update(0, scribbles(em, 0))
    loop.requests.look_at(0)
    stop = Event()
    items = loop.run(stop)
    for item in items:
        if is_preview()(item):
            break
    loop.requests.look_at(3)
    following = next(items)
    assert isinstance(following, Preview)
    assert following.core[0] == slice(3, 4)
    stop.set()
    list(items)


def test_a_stroke_is_learnt_at_once_and_previews_say_that_they_have_seen_it(em):
    loop = loop_on(em)
    loop.requests.update(0, scribbles(em, 0, (slice(20, 60), slice(60, 100))))
    loop.requests.look_at(0)
    stop = Event()
    items = loop.run(stop)
    for item in items:
        if is_step(20)(item):
            break
    loop.requests.update(2, scribbles(em, 2, (slice(50, 90), slice(50, 90))))
    before = item.step
    for item in items:
        if isinstance(item, Preview) and item.updates == 2:
            break
    # A preview that was due anyway may come first; the next follows within 3 steps.
    assert item.step <= before + 4
    stop.set()
    list(items)


def test_erasing_takes_pixels_out_of_the_training_set(em):
    loop = loop_on(em)
    loop.requests.update(0, scribbles(em, 0))
    loop.requests.update(1, scribbles(em, 1, (slice(28, 38), slice(80, 90))))
    stop = Event()
    items = loop.run(stop)
    first = next(items)
    assert (first.pixels, first.slices) == (96 * 112 + 100, 2)
    loop.requests.update(0, np.zeros(SHAPE[1:], np.uint8))
    second = next(items)
    assert (second.pixels, second.slices) == (100, 1)
    stop.set()
    list(items)


def test_one_class_alone_is_waited_with_since_a_new_network_would_see_it_everywhere(em):
    loop = loop_on(em)
    cells = np.where(em[1][1] > 0, 2, 0).astype(np.uint8)
    loop.requests.update(1, cells)
    items = loop.run()
    idle = next(items)
    assert isinstance(idle, Idle)
    assert "Only one class is painted" in idle.reason
    loop.requests.update(1, scribbles(em, 1))
    assert isinstance(next(items), LiveStep)
    items.close()


def test_a_slice_that_was_erased_before_a_step_saw_it_was_not_learnt_from(em):
    loop = loop_on(em)
    loop.requests.update(0, scribbles(em, 0))
    loop._take_annotations()
    loop.requests.update(0, np.zeros(SHAPE[1:], np.uint8))
    loop.requests.update(1, scribbles(em, 1))
    next(loop.run())
    trained = trained_slices(loop.model().card, fingerprint(em[0].as_czyx()))
    assert trained == {1}


def test_a_slice_that_was_erased_counts_as_learnt_from(em):
    loop = loop_on(em)
    loop.requests.update(0, scribbles(em, 0))
    stop = Event()
    items = loop.run(stop)
    next(items)
    loop.requests.update(0, np.zeros(SHAPE[1:], np.uint8))
    loop.requests.update(1, scribbles(em, 1))
    next(items)
    trained = trained_slices(loop.model().card, fingerprint(em[0].as_czyx()))
    assert trained == {0, 1}
    stop.set()
    list(items)


def test_held_out_slices_are_scored_and_never_trained_on(em):
    held = [Region(role=Role.VALIDATION, slices="1")]
    roles = roles_on(range(SHAPE[0]), held, SHAPE)
    loop = loop_on(em, roles=roles)
    loop.requests.update(0, scribbles(em, 0))
    loop.requests.update(1, scribbles(em, 1))
    loop._validation_seconds, loop._validated_at = 0.0, -60.0
    step = next(loop.run())
    assert step.slices == 1
    assert 0 <= step.validation <= 1


def test_background_alone_that_is_held_out_is_not_scored(em):
    regions = [Region(role=Role.VALIDATION, slices="3")]
    loop = loop_on(em, roles=roles_on(range(len(em[1])), regions, SHAPE))
    loop._validated_at = -100.0
    loop.requests.update(0, scribbles(em, 0))
    loop.requests.update(3, np.minimum(scribbles(em, 3), 1))
    seen = take(loop, is_step(2))
    assert [item.validation for item in seen if is_step(1)(item)] == [None, None]


def test_a_slice_of_one_known_class_is_read_as_that_class(em):
    loop = loop_on(em, kind=AnnotationKind.CLASSES, class_names=("no", "one", "two"))
    loop.requests.update(0, 2 * (em[1][0] > 0).astype(np.uint8))
    take(loop, is_step(1))
    found = np.unique(loop._set.image.target.classes[0])
    np.testing.assert_array_equal(found, [0, 2])


def test_a_new_class_gives_the_network_another_output(em):
    loop = loop_on(em)
    painted = scribbles(em, 0)
    loop.requests.update(0, painted.copy())
    stop = Event()
    items = loop.run(stop)
    next(items)
    painted[:20] = 3
    loop.requests.update(0, painted)
    step = next(items)
    stop.set()
    list(items)
    assert loop.model().network.config.num_classes == 3
    assert "3 classes" in step.message


@pytest.fixture(scope="module")
def model(em):
    """A network that knows cells."""
    loop = loop_on(em)
    loop.requests.update(1, scribbles(em, 1))
    take(loop, is_step(60))
    return loop.model()


def messages(em, model, painted):
    loop = loop_on(em, start=model)
    loop.requests.update(2, painted)
    items = take(loop, is_step(3))
    return " ".join(item.message for item in items if isinstance(item, LiveStep))


def test_a_start_that_contradicts_what_is_painted_is_made_unsure(em, model):
    right = scribbles(em, 2)
    assert "more wrong" not in messages(em, model, right)
    assert "more wrong" in messages(em, model, 3 - right)


def of_others(model, **changes):
    """The model as if it had learnt from another image."""
    changes["data"] = ({"name": "another.tif", "image": "00ff"},)
    return Model(model.network, model.card.model_copy(update=changes))


@pytest.mark.parametrize("right", [True, False])
def test_what_suited_a_start_goes_on_where_the_start_is_right(
    em, model, tmp_path, right
):
    finish = PostprocessConfig(objects="connected")
    start = of_others(model, threshold=0.35, finish=finish)
    loop = loop_on(em, start=start, folder=RunFolder(tmp_path))
    painted = scribbles(em, 2)
    loop.requests.update(2, painted if right else 3 - painted)
    take(loop, is_step(3))
    card = read_card(tmp_path / "last.safetensors")
    assert (card.threshold == 0.35) is right
    assert (card.finish == start.card.finish) is right


@pytest.mark.parametrize("known", [True, False])
def test_a_class_that_is_new_changes_no_rate(em, model, known):
    loop = loop_on(em, start=of_others(model) if known else None)
    loop.requests.update(2, scribbles(em, 2))
    take(loop, is_step(1))
    painted = scribbles(em, 2)
    painted[:40] = 3
    loop.requests.update(2, painted)
    take(loop, is_step(2))
    assert loop._learner._learner.old_rate == (0.1 if known else 1.0)


def test_a_start_is_not_made_unsure_by_a_class_that_is_new(em, model):
    painted = scribbles(em, 2)
    painted[:40] = 3
    assert "more wrong" not in messages(em, model, painted)


@pytest.mark.parametrize("kind", [AnnotationKind.CLASSES, AnnotationKind.OBJECTS])
def test_dense_annotations_are_learnt_slice_by_slice(em, kind):
    objects = em[1] if kind is AnnotationKind.OBJECTS else (em[1] > 0) * 255
    loop = loop_on(em, kind=kind)
    loop.requests.update(2, objects[2])
    step = next(loop.run())
    assert (step.pixels, step.slices) == (96 * 112, 1)


def test_a_network_of_three_dimensions_learns_from_one_painted_slice(em):
    network = UNetConfig(ndim=3, base_channels=4, depth=1)
    train = TrainConfig(live_patch_size=32, batch_size=1, patch_slices=4)
    loop = loop_on(em, config=RunConfig(network=network, train=train))
    loop.requests.update(2, scribbles(em, 2))
    loop.requests.look_at(1)
    shown = take(loop, is_preview())
    assert any(isinstance(item, LiveStep) and item.slices == 1 for item in shown)
    preview = next(item for item in shown if isinstance(item, Preview))
    assert preview.core[0] == slice(1, 2)


def test_slices_of_unknown_distance_are_refused_before_they_are_painted(em):
    network = UNetConfig(base_channels=4, depth=2, ndim=3)
    unknown = replace(em[0], unknown_axes="Z")
    with pytest.raises(InputError, match="how far apart its slices are"):
        LiveLoop(unknown, config=RunConfig(network=network))
    LiveLoop(unknown, config=settings())


def test_labels_of_another_size_are_refused_and_the_rest_goes_on(em):
    loop = loop_on(em)
    loop.requests.update(0, np.ones((5, 5), np.uint8))
    items = loop.run()
    idle = next(items)
    assert "5 x 5 pixels and the image is 96 x 112" in idle.reason
    loop.requests.update(0, scribbles(em, 0))
    assert isinstance(next(items), LiveStep)


def test_a_pause_holds_the_steps_and_still_shows_what_is_looked_at(em):
    loop = loop_on(em)
    loop.requests.update(0, scribbles(em, 0))
    loop.requests.look_at(0)
    items = loop.run()
    while not isinstance(next(items), Preview):
        pass
    loop.requests.pause()
    while not isinstance(item := next(items), Idle):
        pass
    assert item.reason == "Paused"
    loop.requests.look_at(2)
    assert next(items).core[0] == slice(2, 3)
    threading.Timer(0.2, partial(loop.requests.pause, False)).start()
    assert isinstance(next(items), LiveStep)


def test_a_slice_that_cannot_be_read_is_left_out_and_the_others_are_learnt(em):
    loop = loop_on(em)
    loop.requests.update(0, scribbles(em, 0))
    loop.requests.update(2, np.full(SHAPE[1:], 1000, np.uint16))
    step = take(loop, is_step(2))[-1]
    assert step.slices == 1
    assert step.left_out.startswith("Slice 2: ")
    loop = loop_on(em)
    loop.requests.update(2, np.full(SHAPE[1:], 1000, np.uint16))
    items = loop.run()
    assert next(items).reason.startswith("Slice 2: ")
    loop.requests.update(0, scribbles(em, 0))
    loop.requests.update(2, scribbles(em, 2))
    step = next(item for item in items if isinstance(item, LiveStep))
    assert (step.slices, step.left_out) == (2, "")


def test_a_copy_of_the_network_is_one_between_two_steps(em, monkeypatch):
    loop = loop_on(em)
    loop.requests.update(0, scribbles(em, 0))
    assert loop.requests.model() is None, "it has learnt nothing"
    items = loop.run()
    next(items)
    assert loop.requests.model().card.step == 1
    halfway, copied, learn = Event(), Event(), loop._learner.learn

    def slowly():
        answer = learn()
        first, *others = loop._learner.network.parameters()
        first.data.fill_(loop._learner.step)
        halfway.set()
        copied.wait(0.3)
        for one in others:
            one.data.fill_(loop._learner.step)
        return answer

    monkeypatch.setattr(loop._learner, "learn", slowly)
    found = []

    def ask():
        halfway.wait(30)
        found.append(loop.requests.model())
        copied.set()

    asking = threading.Thread(target=ask)
    asking.start()
    next(items)
    asking.join(30)
    parts = [one.detach() for one in found[0].network.parameters()]
    values = {float(one.min()) for one in parts} | {float(one.max()) for one in parts}
    assert values == {2.0}


def test_what_was_learnt_is_kept_and_can_be_gone_on_from(em, tmp_path):
    folder = RunFolder(tmp_path / "run")
    loop = loop_on(em, folder=folder, class_names=("membrane", "cell"))
    loop.requests.update(0, scribbles(em, 0))
    take(loop, is_step(5))
    model = load_model(folder.last)
    assert model.card.class_names == ("membrane", "cell")
    assert model.card.step >= 5
    assert len((folder.path / "history.csv").read_text().splitlines()) >= 6
    again = loop_on(em, start=folder.last)
    # Annotations without names: the classes are called what the model called them.
    assert again.model().card.class_names == ("membrane", "cell")
    old = Normalization(moments="plain")
    card = model.card.model_copy(update={"normalization": old})
    assert (
        loop_on(em, start=Model(model.network, card)).model().card.normalization == old
    )
    again.requests.look_at(1)
    # A model that knows something is shown before anything is painted.
    items = again.run()
    shown, idle = next(items), next(items)
    assert (shown.drawn_by, shown.step) == ("last", 0)
    assert idle == Idle("Preview of last; paint to correct it.")


def test_a_model_that_was_started_from_is_kept_for_the_stack_before_it_learns(
    em, tmp_path
):
    model, stop = loop_on(em).model(), Event()
    loop = loop_on(em, start=model, folder=RunFolder(tmp_path / "run"))
    loop.requests.keep()
    items = loop.run(stop)
    kept = next(items)
    assert load_model(kept.path).card.step == 0
    # Nothing was learnt: at the end there is nothing new to keep.
    kept.path.unlink()
    stop.set()
    list(items)
    assert not kept.path.exists()


@pytest.fixture
def halves():
    """A dark and a bright half, and strokes in both, easily learnt."""
    picture = np.random.default_rng(0).normal(40, 4, (64, 72))
    picture[32:] += 160
    painted = np.zeros((64, 72), np.uint8)
    painted[10:13, 8:64], painted[50:53, 8:64] = 1, 2
    stack = Stack(picture.astype(np.uint8), "YX", (1.0, 1.0), "pixel", "halves")
    return stack, painted


def known(halves, model):
    """Return a loop from a model that is not to be forgotten, and what is painted."""
    stack, painted = halves
    return LiveLoop(stack, config=settings(old_rate=0.9), start=model), painted.copy()


def rest(items):
    """Run until learning rests; return all items."""
    seen = []
    for item in items:
        seen.append(item)
        if isinstance(item, Idle) and item.rests:
            return seen
        assert len(seen) < 400, "it never rests"
    raise AssertionError("it ended")


def test_learning_rests_once_what_is_painted_is_known_and_wakes_for_more(halves, model):
    loop, painted = known(halves, model)
    loop.requests.update(0, painted)
    items = loop.run()
    before = rest(items)
    assert "paint where" in before[-1].reason
    last = [item for item in before if isinstance(item, LiveStep)][-1]
    assert last.loss < 0.3
    loop.requests.look_at(0)
    assert next(items).step == last.step
    more = painted.copy()
    more[20:23, 8:64] = 1
    loop.requests.update(0, more)
    woken = next(items)
    assert woken.step == last.step + 1
    assert woken.learning_rate > last.learning_rate
    items.close()


def test_an_erased_stroke_wakes_it_too(halves, model):
    loop, painted = known(halves, model)
    loop.requests.update(0, painted)
    items = loop.run()
    rest(items)
    less = painted.copy()
    less[10:13, 40:] = 0
    loop.requests.update(0, less)
    assert isinstance(next(items), LiveStep)
    items.close()


def test_a_new_network_learns_on(halves):
    stack, painted = halves
    loop = LiveLoop(stack, config=settings())
    loop.requests.update(0, painted)
    seen = take(loop, is_step(150))
    assert not any(isinstance(item, Idle) for item in seen)
    assert max(one.loss for one in seen[-30:] if isinstance(one, LiveStep)) < 0.1


def test_it_never_rests_while_it_is_wrong_about_what_is_painted(halves, model):
    loop, painted = known(halves, model)
    wrong = painted > 0
    painted[wrong] = np.random.default_rng(1).integers(1, 3, wrong.sum())
    loop.requests.update(0, painted)
    assert not any(isinstance(item, Idle) for item in take(loop, is_step(60)))


def test_a_single_slice_and_channels_are_images_too():
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 255, (2, 64, 72)).astype(np.uint8)
    stack = Stack(picture, "CYX", (1.0, 1.0), "pixel", "two channels")
    loop = LiveLoop(stack, config=settings())
    painted = np.zeros((64, 72), np.uint8)
    painted[:20], painted[30:] = 1, 2
    loop.requests.update(0, painted)
    assert isinstance(next(loop.run()), LiveStep)


def test_a_kept_model_knows_that_cells_fill_the_image(em, tmp_path):
    loop = loop_on(em, folder=RunFolder(tmp_path / "run"))
    for z in range(2):
        loop.requests.update(z, scribbles(em, z))
    kept = []

    def until(item):
        if is_step(60)(item) and not kept:
            loop.requests.keep()
        kept.extend([item] if isinstance(item, Kept) else [])
        return bool(kept)

    take(loop, until)
    for card in (read_card(kept[0].path), read_card(tmp_path / "run/last.safetensors")):
        assert card.finish.objects == "watershed"
        assert "that is predicted" in card.finish_reason
    assert loop.model().card.finish is None, "previews show classes"


def finish_of(tmp_path, stack, kind, labels, held=()):
    """Train live on the first slices, hold out others; return what is made of it."""
    regions = [Region(role=Role.VALIDATION, slices=str(z)) for z in held]
    loop = LiveLoop(
        stack,
        kind,
        settings(),
        folder=RunFolder(tmp_path),
        roles=roles_on(range(len(labels)), regions, labels.shape),
    )
    for z, painted in enumerate(labels):
        loop.requests.update(z, painted)
    take(loop, is_step(1))
    return read_card(tmp_path / "last.safetensors").finish


@pytest.mark.parametrize("held", [(), (1,)], ids=["learnt", "held out"])
def test_objects_that_are_painted_become_numbered_objects(em, tmp_path, held):
    labels = np.zeros((2, *SHAPE[1:]), np.uint16)
    for number, corner in enumerate([(5, 5), (5, 60), (60, 5), (60, 60)], 1):
        labels[:, corner[0] : corner[0] + 4, corner[1] : corner[1] + 4] = number
    found = finish_of(tmp_path, em[0], AnnotationKind.OBJECTS, labels, held)
    assert found.numbers_objects
    assert found.min_size == 8, "half of the true ones"


def test_scribbles_that_are_held_out_do_not_tell_where_objects_end(
    em, tmp_path, monkeypatch
):
    asked = []
    name = "napari_unet.train.choose_finish.finish_by_mask"
    monkeypatch.setattr(name, lambda masks: asked.append(masks) or several_classes())
    labels = np.stack([scribbles(em, z) for z in range(2)])
    finish_of(tmp_path, em[0], AnnotationKind.SCRIBBLES, labels, held=(1,))
    assert len(asked) == 1


def test_an_error_leaves_what_was_learnt(em, tmp_path):
    config = settings(loss="binary_cross_entropy")
    loop = loop_on(em, config=config, folder=RunFolder(tmp_path))
    painted = scribbles(em, 0)
    loop.requests.update(0, painted)
    items = loop.run()
    while not is_step(3)(next(items)):
        pass
    painted = painted.copy()
    painted[:5] = 3
    loop.requests.update(0, painted)
    with pytest.raises(InputError, match="binary_cross_entropy"):
        list(items)
    assert read_card(tmp_path / "last.safetensors").step == 3
