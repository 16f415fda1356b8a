"""A page on which a trained model is tried out: prompt, preference, picture, and a strip from reward to reward."""

import base64
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from PIL import Image

from benchmarks.inference import Preference, Trained, sample
from benchmarks.records import UsageError
from benchmarks.strips import Sheet, draw, sheet_of, to_file
from methods.preferences import lattice

SHOWN = 448
"""Pictures are shown at least this wide, in pixels; smaller ones are enlarged by a whole number."""


def require_gradio() -> None:
    """Check that gradio, which makes the page, is installed.

    Raises:
        UsageError: If it is not.
    """
    if find_spec("gradio") is None:
        raise UsageError('demo: expected gradio, found none; install it: pip install "gradio>=6"')


def _gradio() -> Any:
    # By name, so that types are the same where it is not installed.
    return import_module("gradio")


def preference_of(sliders: Sequence[float], n_objectives: int) -> Preference:
    """Return the preference that sliders in [0, 1] stand for.

    Two rewards share one slider, from the first to the second; of more, each has its own, and all are divided by
    their sum. All at 0 favor none.

    Example:
        >>> preference_of([0.25], 2), preference_of([1.0, 0.5, 0.5], 3), preference_of([0.0, 0.0, 0.0, 0.0], 4)
        ((0.75, 0.25), (0.5, 0.25, 0.25), (0.25, 0.25, 0.25, 0.25))
    """
    if n_objectives == 1:
        return (1.0,)
    if n_objectives == 2:
        return (1 - sliders[0], sliders[0])
    total = sum(sliders)
    return tuple(value / total if total > 0 else 1 / n_objectives for value in sliders)


def sweep_of(n_objectives: int) -> list[Preference]:
    """Return the preferences of the strip: five from end to end of two rewards, else all corners and the center.

    Example:
        >>> sweep_of(3)[2:]
        [(0.0, 0.0, 1.0), (0.3333333333333333, 0.3333333333333333, 0.3333333333333333)]
    """
    rows = lattice(n_objectives, 4 if n_objectives == 2 else 1).tolist()
    center = [[1 / n_objectives] * n_objectives] if n_objectives > 2 else []
    return [tuple(row) for row in [*rows, *center]]


def picture(trained: Trained, prompt: str, sliders: Sequence[float], seed: int, steps: int) -> "Image.Image | str":
    """Return the picture of a prompt, large enough to be looked at; of a video as HTML."""
    wanted = [preference_of(sliders, len(trained.rewards))] if trained.conditional else []
    samples = sample(trained, [prompt], wanted, seed, 1, steps)
    return _shown(Sheet(samples[0], ("",), (), trained.frame_rate))


def strip(trained: Trained, prompt: str, seed: int, steps: int) -> "Image.Image | str":
    """Return the sweep's pictures of a prompt side by side, all from the noise of the picture."""
    sweep = sweep_of(len(trained.rewards))
    samples = sample(trained, [prompt], sweep, seed, 1, steps)
    return _shown(sheet_of(samples, [prompt], sweep, trained.rewards, trained.frame_rate))


def _shown(sheet: Sheet) -> "Image.Image | str":
    if sheet.moving:
        content = base64.b64encode(to_file(sheet, ".gif")).decode()
        return f'<img src="data:image/gif;base64,{content}" alt="video" style="margin: auto">'
    (page,) = draw(sheet)
    factor = -(-SHOWN // page.width)
    return page.resize((factor * page.width, factor * page.height), Image.Resampling.NEAREST)


def serve(trained: Trained, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve the page until the process is stopped.

    Args:
        trained: The model.
        host: Address to listen at.
        port: Port to listen at.
        ready: Told the page's address once it answers.

    Raises:
        UsageError: If the port is taken or the address is not this machine's.
    """
    gr = _gradio()

    page = build_page(trained)
    theme = gr.themes.Base(
        font=["ui-sans-serif", "system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"], primary_hue="blue"
    )
    try:
        _, url, _ = page.launch(
            server_name=host, server_port=port, theme=theme, quiet=True, prevent_thread_lock=True, share=False,
            ssr_mode=False, footer_links=[],
        )  # fmt: skip
    except OSError as error:
        raise UsageError(
            f"demo: cannot listen at {host}:{port}: expected an address of this machine and a free port (--port)"
        ) from error
    ready(url)
    try:
        page.block_thread()
    finally:
        page.close(verbose=False)


def build_page(trained: Trained) -> Any:
    """Return the page as gradio's blocks. Nothing on it comes from other machines."""
    gr = _gradio()

    def paint(prompt: str, seed: float, steps: float, *sliders: float) -> Any:
        return picture(trained, prompt, sliders, int(seed), int(steps))

    def sweep(prompt: str, seed: float, steps: float) -> Any:
        return strip(trained, prompt, int(seed), int(steps))

    many = trained.conditional and len(trained.rewards) > 1
    with gr.Blocks(title="flowfront demo", analytics_enabled=False) as page:
        gr.Markdown(f"## flowfront\n{trained.title}")
        with gr.Row():
            with gr.Column(scale=2, min_width=320):
                prompt = gr.Textbox(trained.prompt, label="Prompt", elem_id="prompt")
                sliders = _sliders(trained) if many else []
                with gr.Row():
                    seed = gr.Number(0, label="Seed", precision=0, elem_id="seed")
                    steps = gr.Slider(1, max(50, trained.steps), trained.steps, step=1, label="Steps", elem_id="steps")
                button = gr.Button("Make the picture", variant="primary", elem_id="make")
                more = gr.Button("Strip from reward to reward, same noise", elem_id="sweep", visible=many)
            with gr.Column(scale=3, min_width=320):
                shown = _screen(trained, elem_id="picture", height=SHOWN + 60)
        row = _screen(trained, elem_id="strip", visible=many)
        # One at a time: a model in use has its weights exchanged.
        given: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 1}
        inputs = [prompt, seed, steps, *sliders]
        for event in (button.click, prompt.submit, *(slider.release for slider in sliders)):
            event(_explained(paint), inputs, shown, **given)
        more.click(_explained(sweep), [prompt, seed, steps], row, **given)
    return page


def _explained(make: Callable[..., Any]) -> Callable[..., Any]:
    # A fault of the input becomes a message on the page.
    gr = _gradio()

    def call(*given: Any) -> Any:
        try:
            return make(*given)
        except UsageError as error:
            raise gr.Error(str(error), print_exception=False) from error

    return call


def _screen(trained: Trained, **given: Any) -> Any:
    gr = _gradio()

    if trained.frame_rate is not None:
        return gr.HTML(elem_id=given["elem_id"], visible=given.get("visible", True))
    return gr.Image(format="png", interactive=False, show_label=False, buttons=["download", "fullscreen"], **given)


def _sliders(trained: Trained) -> list[Any]:
    gr = _gradio()

    names = trained.rewards
    if len(names) == 2:
        label = f"From {names[0]} (0) to {names[1]} (1)"
        return [gr.Slider(0, 1, 0.5, step=0.05, label=label, elem_id="preference-0")]
    gr.Markdown("Weights of the rewards; only their ratios count.")
    return [gr.Slider(0, 1, 0.5, step=0.05, label=name, elem_id=f"preference-{i}") for i, name in enumerate(names)]
