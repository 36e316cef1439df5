"""End to end: JupyterLab in a real browser, a notebook opened, all cells run, the peers on the screen."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

NOTEBOOK = "01-investigate-a-case.ipynb"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SECONDS = 60
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},  # cells out of view are there, too
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[str]:
    """Start JupyterLab for this machine only, in a copy of the notebooks without outputs, and return its address."""
    if importlib.util.find_spec("jupyterlab") is None:
        pytest.skip("JupyterLab is not installed")
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    shutil.copytree(ROOT / "data" / "cases", tmp_path / "data" / "cases")
    clear_outputs(tmp_path / "notebooks" / NOTEBOOK)
    for name, setting in SETTINGS.items():
        settings = tmp_path / "JUPYTERLAB_SETTINGS_DIR" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        settings.parent.mkdir(parents=True)
        settings.write_text(json.dumps(setting))
    address = f"http://127.0.0.1:{free_port()}"
    places = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR", "IPYTHONDIR")
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"),
        *(f"--ServerApp.port={address.rpartition(':')[2]}", "--ServerApp.port_retries=0", "--IdentityProvider.token="),
        *("--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"),
        f"--ServerApp.root_dir={tmp_path}",
    ]
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), **{name: str(tmp_path / name) for name in places}},
        )
        try:
            wait_for(address, server, tmp_path / "log")
            yield address
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def clear_outputs(path: Path) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    path.write_text(json.dumps(notebook), encoding="utf-8")


def wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/api", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start: {log.read_text(errors='replace')[-2000:]}")


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_run_all_gives_no_error_and_shows_the_peers(lab: str) -> None:
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("playwright is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.set_default_timeout(SECONDS * 1000)
        page.goto(f"{lab}/lab/tree/notebooks/{NOTEBOOK}")
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        page.wait_for_function(RAN_ALL)
        graph = page.locator(".jp-RenderedSVG img, .jp-RenderedSVG svg").first
        graph.scroll_into_view_if_needed()
        errors = page.locator('.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.error"]').count()
        shot = graph.screenshot()
        if place := os.environ.get("EXPDIAG_SCREENSHOTS"):
            page.screenshot(path=str(Path(place) / "jupyterlab.png"))
        browser.close()

    assert errors == 0
    assert_is_drawn(shot)


RAN_ALL = """() => {
    const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputArea-prompt')].map(one => one.textContent);
    return prompts.length > 10 && prompts.every(one => /\\[\\d+\\]/.test(one));
}"""


def assert_is_drawn(shot: bytes) -> None:
    """Hold a screenshot of the peer graph against what has to be in it: paper, ink, and the colour of a violation."""
    from matplotlib.image import imread

    pixels = imread(io.BytesIO(shot))[:, :, :3]
    height, width, _ = pixels.shape
    assert width > 200
    assert height > 150

    def share(colour: tuple[int, int, int]) -> float:
        return float((abs(pixels - [part / 255 for part in colour]).max(axis=2) < 0.12).mean())

    assert share((255, 255, 255)) > 0.5
    assert share((27, 27, 27)) > 0.002
    assert share((0xD5, 0x5E, 0x00)) > 0.001
