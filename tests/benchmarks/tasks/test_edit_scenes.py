"""Source pictures for editing: every prompt names a scene that shows what it asks to change."""

from pathlib import Path

import pytest
from PIL import Image

from benchmarks.tasks import edit_scenes
from benchmarks.tasks.edit_scenes import N_TEST, N_TRAINING, file_name, instructions, main, prompts, scenes
from benchmarks.tasks.edits import Sources, split_edit
from benchmarks.tasks.shapes.language import COLORS, SHAPES, Pair, Several, Sign, Thing
from benchmarks.tasks.shapes.scenes import in_test


def test_the_splits_have_scenes_of_their_own() -> None:
    assert len(scenes(test=False)) == N_TRAINING
    assert len(scenes(test=True)) == N_TEST
    assert all(in_test(scene) for scene in scenes(test=True))
    assert not any(in_test(scene) for scene in scenes(test=False))
    assert not {split_edit(p)[0] for p in prompts(test=True)} & {split_edit(p)[0] for p in prompts(test=False)}


def test_an_instruction_names_what_is_there_and_asks_for_what_is_not() -> None:
    for test, first in ((False, 0), (True, N_TRAINING)):
        by_file: dict[str, list[str]] = {}
        for prompt in prompts(test=test):
            file, instruction = split_edit(prompt)
            by_file.setdefault(file, []).append(instruction)
        for number, scene in enumerate(scenes(test=test), first):
            assert not isinstance(scene, Sign)
            thing = scene.thing if isinstance(scene, Several) else scene.first
            color, shape, _ = by_file[file_name(number)]
            assert f"{thing.color} {thing.shape}" in color
            assert color.split()[-1] in set(COLORS) - {thing.color}
            assert shape.split()[-1].removesuffix("s") in set(SHAPES) - {thing.shape}


def test_several_things_are_spoken_of_as_several() -> None:
    found = instructions(Several(Thing("red", "circle"), 3), 1)
    assert found == (
        "make the three red circles blue",
        "turn the three red circles into triangles",
        "remove one of the red circles",
    )
    pair = Pair(Thing("blue", "square"), Thing("white", "triangle"), None)
    assert instructions(pair, 0)[2] == "remove the white triangle"
    with pytest.raises(ValueError, match="scene must be of things"):
        instructions(Sign("A7"), 0)


def test_the_command_writes_every_source_the_same_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(edit_scenes, "N_TRAINING", 4)
    monkeypatch.setattr(edit_scenes, "N_TEST", 4)
    for name in ("one", "two"):
        assert main([str(tmp_path / name), "48"]) == 0
    assert "8 pictures" in capsys.readouterr().out
    both = [{p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in ("one", "two")]
    assert both[0] == both[1]
    written = (tmp_path / "one" / "prompts.txt").read_text().splitlines()
    assert written == [*prompts(test=False), *prompts(test=True)]
    assert set(Sources(tmp_path / "one", (48, 48)).hashes(written)) == set(both[0]) - {"prompts.txt"}
    with Image.open(tmp_path / "one" / "scene000.png") as picture:
        assert (picture.mode, picture.size) == ("RGB", (48, 48))


@pytest.mark.parametrize("words", [[], ["a", "b"], ["a", "0"], ["a", "1", "2"]])
def test_other_words_are_answered_with_the_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert "usage: python -m benchmarks.tasks.edit_scenes DIR [SIDE]" in capsys.readouterr().err
