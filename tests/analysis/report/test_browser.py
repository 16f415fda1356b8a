"""The explorer of a report in a real browser: what a reader drags and chooses, and that nothing leaves the file."""

import numpy as np
import pytest

from analysis.dominance import simplex_lattice
from analysis.front import non_dominated
from tests.analysis.synthetic_pictures import tile_color
from tests.support.browser import LACKING, REASON, Page
from tests.support.pages import FOREIGN, HOSTILE, MOVING, PLANE, PROMPTS, SINGLE, SLIDER

pytestmark = pytest.mark.skipif(bool(LACKING), reason=REASON)

STEP = 100
SWEEPS = {"fixed_weights": simplex_lattice(2, 2), SLIDER.name: simplex_lattice(2, 20)}


def nearest(wanted: list[float]) -> dict[str, list[float]]:
    """Return which preference of each method is nearest to one."""
    return {name: sweep[((sweep - wanted) ** 2).sum(axis=1).argmin()].tolist() for name, sweep in SWEEPS.items()}


def test_dragging_a_point_moves_every_method_and_its_picture(page: Page) -> None:
    from selenium.webdriver import ActionChains

    assert page.answers() == {"fixed_weights": [0.5, 0.5], SLIDER.name: [0.5, 0.5]}
    assert page.picture(SLIDER.name) == tuple(tile_color(STEP, 10, 0, 0))
    assert page.picture("base model") == tuple(tile_color(0, 0, 0, 0))
    single = page.picture(SINGLE.name)

    grip = page.show(f".grip[data-method={SLIDER.name}]")
    hand = ActionChains(page.driver, duration=20).click_and_hold(grip)
    hand.move_by_offset(60, 25).move_by_offset(60, 25).release().perform()
    moved = page.answers()
    wanted = moved[SLIDER.name]
    assert wanted[0] > 0.6
    assert moved == nearest(wanted)
    point = SWEEPS[SLIDER.name].tolist().index(wanted)
    assert page.picture(SLIDER.name) == tuple(tile_color(STEP, point, 0, 0))
    assert page.picture(SINGLE.name) == single
    assert "asked for " + ", ".join(f"{weight:.2f}" for weight in wanted) in page.texts(".callout text")


def test_a_point_stays_where_it_was_dropped(page: Page) -> None:
    from selenium.webdriver import ActionChains

    ActionChains(page.driver, duration=20).drag_and_drop_by_offset(
        page.show(f".grip[data-method={SLIDER.name}]"), 90, 40
    ).perform()
    dropped = page.answers()
    ActionChains(page.driver, duration=20).move_by_offset(-90, -60).perform()
    assert page.answers() == dropped


def test_keys_move_the_preference_by_small_steps_and_to_its_ends(page: Page) -> None:
    from selenium.webdriver.common.keys import Keys

    slider = page.one(".pair input")
    slider.send_keys(Keys.ARROW_RIGHT)
    assert float(slider.get_attribute("value")) == pytest.approx(0.55)
    slider.send_keys(Keys.SHIFT, Keys.ARROW_RIGHT)
    assert float(slider.get_attribute("value")) == pytest.approx(0.56)
    # 0.56 lies nearer to 0.55 than to 0.6: what was evaluated is shown, not what lies between.
    assert page.answers() == nearest([0.56, 0.44])
    slider.send_keys(Keys.NULL, Keys.END)
    assert page.answers() == nearest([1.0, 0.0])
    page.one("svg.plot").send_keys(Keys.HOME)
    assert page.answers() == nearest([0.0, 1.0])
    assert page.one("svg.plot").get_attribute("aria-valuetext") == "r0 0.00, r1 1.00"


def test_better_is_right_and_up_where_less_is_better_too(page: Page) -> None:
    places = page.run(
        "return [...document.querySelectorAll('.plot .axis')]"
        ".map(axis => [...axis.querySelectorAll('text:not(.label)')]"
        ".map(t => [t.textContent, t.getBoundingClientRect().x, t.getBoundingClientRect().y]))"
    )
    (across, up) = ([(float(text.replace("\u2212", "-")), x, y) for text, x, y in axis] for axis in places)
    assert PLANE.minimized == (1,)
    assert [x for _, x, _ in sorted(across)] == sorted(x for _, x, _ in across)
    # Less of the second is better, so its small numbers stand at the top.
    assert [y for _, _, y in sorted(up)] == sorted(y for _, _, y in up)


def test_prompts_are_text_and_choose_the_picture(page: Page) -> None:
    options = "return [...document.querySelectorAll('.gallery select option')].map(option => option.textContent)"
    assert page.run(options) == list(PROMPTS)
    assert page.texts(".gallery .prompt") == [HOSTILE]
    assert page.run("return document.querySelectorAll('img[src=x], [onerror]').length") == 0
    assert HOSTILE in page.texts(".notes li")
    assert page.texts(".words h3")[0] == HOSTILE
    assert any(FOREIGN in text for text in page.texts(".words p"))
    page.run(
        "const list = document.querySelector('.gallery select');list.value = 2; list.dispatchEvent(new Event('change'))"
    )
    page.run("document.querySelectorAll('.gallery .choice input')[1].click()")
    assert page.picture(SLIDER.name) == tuple(tile_color(STEP, 10, 2, 1))
    assert page.one(".card:nth-child(3) img").get_attribute("alt").endswith("prompt: a red circle, noise 2")


def test_methods_can_be_left_out(page: Page) -> None:
    everyone = ["fixed_weights", SINGLE.name, SLIDER.name]
    names = "return [...document.querySelectorAll('.readout tr[data-method]')].map(row => row.dataset.method)"
    assert page.run(names) == everyone
    page.one(f".legend input[value={SLIDER.name}]").click()
    assert page.run(names) == everyone[:2]
    assert page.run(f"return document.querySelector('.grip[data-method={SLIDER.name}]')") is None
    page.run("[...document.querySelectorAll('.legend button')].find(b => b.textContent === 'None').click()")
    assert page.run(names) == []
    page.run("[...document.querySelectorAll('.legend button')].find(b => b.textContent === 'All').click()")
    assert page.run(names) == everyone


def test_seeds_and_dominated_points_are_shown_on_demand(page: Page) -> None:
    marks = "return document.querySelectorAll('.plot path.method:not(.seed)').length"
    seeds = "return document.querySelectorAll('.plot path.seed').length"
    before = page.run(marks)
    page.one(".toggles label:nth-child(1) input").click()
    assert page.run(marks) == before - 1
    page.one(".toggles label:nth-child(1) input").click()
    assert (page.run(marks), page.run(seeds)) == (before, 0)
    page.one(".toggles label:nth-child(2) input").click()
    assert page.run(seeds) == 3 * (3 + 21 + 1)


def test_three_rewards_have_a_triangle_and_more_have_sliders(page: Page) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    page.open("#view&b=three-targets")
    pad = page.show("svg.triangle")
    # The lower left corner is the first reward.
    ActionChains(page.driver).move_to_element_with_offset(
        pad, -pad.size["width"] // 2 + 30, pad.size["height"] // 2 - 30
    ).click().perform()
    first = page.answers()[SLIDER.name]
    assert first[0] >= 0.8
    pad.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    second = page.answers()[SLIDER.name]
    assert second[0] < first[0]
    assert second[1] > first[1]

    page.run("document.querySelector('.bar input[value=\"0\"]').click()")
    assert page.texts(".weight > span") == ["r0", "r1", "r2", "r3"]
    assert page.run("return document.querySelectorAll('.plot polyline.bold').length") == len(MOVING)
    page.run(
        "const s = document.querySelector('[data-weight=\"2\"]'); s.value = 1; s.dispatchEvent(new Event('input'))"
    )
    assert page.answers()[SLIDER.name] == [0, 0, 1, 0]
    assert page.texts(".weight output") == ["0.00", "0.00", "1.00", "0.00"]
    page.run("document.querySelector('.choices .choice input[value=\"1\"]').click()")
    assert page.run("return document.querySelectorAll('.plot path.current').length") == len(MOVING)
    assert page.texts(".axes label > span") == ["Right", "Up"]


def test_arithmetic_agrees_with_python(page: Page) -> None:
    generator = np.random.default_rng(0)
    points = generator.integers(0, 4, size=(60, 3)).astype(float)
    found = np.array(page.run("return flowfront.unbeaten(arguments[0])", points.tolist()))
    # Python keeps the first of equal points, the page all of them.
    kept = {tuple(point) for point in points[non_dominated(points)].tolist()}
    assert found.tolist() == [tuple(point) in kept for point in points.tolist()]
    for preference in generator.dirichlet(np.ones(3), size=20).tolist():
        back = page.run("return flowfront.fromTriangle(...flowfront.toTriangle(arguments[0]))", preference)
        assert back == pytest.approx(preference)
        changed = page.run("return flowfront.withWeight(arguments[0], 1, 0.25)", preference)
        assert sum(changed) == pytest.approx(1.0)
        assert changed[1] == 0.25
        assert changed[0] * preference[2] == pytest.approx(changed[2] * preference[0])
    assert page.run("return flowfront.withWeight([0, 1, 0], 1, 0.5)") == [0.25, 0.5, 0.25]


def test_a_view_can_be_linked_and_a_broken_link_does_no_harm(page: Page) -> None:
    page.open(f"#view&b=two-costs&w=0.2,0.8&p=1&s=1&off=fixed_weights,{HOSTILE}&show=seeds,whole")
    assert page.answers() == {SLIDER.name: pytest.approx([0.2, 0.8])}
    assert (
        page.texts(".gallery .choice input:checked + span") == ["2"]
        or page.run("return document.querySelector('.gallery .choice input:checked').value") == "1"
    )
    page.run("document.querySelector('.pair input').dispatchEvent(new KeyboardEvent('keydown', {key: 'End'}))")
    wait = "return new Promise(done => setTimeout(() => done(location.hash), 450))"
    fragment = page.run(wait)
    page.open(fragment)
    assert page.answers() == {SLIDER.name: [1.0, 0.0]}
    page.open("#view&b=nowhere&w=1,NaN,7&p=99&s=-1&x=5&v=plane")
    assert page.answers()[SLIDER.name] == [0.5, 0.5]
    assert page.texts(".gallery .prompt") == [HOSTILE]


def test_one_reward_has_no_front_but_its_numbers(page: Page) -> None:
    page.open("#view&b=one-target")
    assert page.texts(".stage .quiet")[0] == "One reward: there is no front to draw."
    assert len(page.texts(".readout tr[data-method]")) == 3
    assert page.texts(".sentence")[0].startswith("Every method has one point here.")
    # Its base model is unknown, so nothing is gained or lost.
    assert page.texts(".readout tr.base, .readout .gain") == []
