# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images' archive is what the OCI image layout says, and the same each time."""

from __future__ import annotations

import hashlib
import json
import tarfile
import typing as t

from tests.lab import oci

if t.TYPE_CHECKING:
    from pathlib import Path


def _layer(folder: Path, name: str = "layer") -> oci.Layer:
    program = folder / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    notes = folder / "notes"
    notes.write_text("text")
    notes.chmod(0o600)
    return oci.write_layer(folder / name, {"usr/bin/program": program, "etc/notes": notes, "tmp": None})


def _contents(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as content:
        return {member.name: content.extractfile(member).read() for member in content}  # type: ignore[union-attr]


def test_layer_holds_files_their_folders_and_only_the_execute_bit(tmp_path: Path) -> None:
    layer = _layer(tmp_path)
    with tarfile.open(layer.path) as content:
        found = {member.name: (member.isdir(), member.mode, member.uid, member.mtime) for member in content}
    assert found == {
        "etc": (True, 0o755, 0, 0),
        "etc/notes": (False, 0o644, 0, 0),
        "tmp": (True, 0o1777, 0, 0),
        "usr": (True, 0o755, 0, 0),
        "usr/bin": (True, 0o755, 0, 0),
        "usr/bin/program": (False, 0o755, 0, 0),
    }


def test_a_file_with_two_paths_is_stored_once_and_found_at_both(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"x" * 100_000)
    program.chmod(0o755)
    layer = oci.write_layer(tmp_path / "layer", {"first": program, "second/name": program})
    assert layer.size < 150_000
    with tarfile.open(layer.path) as content:
        content.extractall(tmp_path / "out", filter="tar")
    second = tmp_path / "out" / "second" / "name"
    assert second.read_bytes() == program.read_bytes()
    assert second.stat().st_mode & 0o777 == 0o755


def test_layer_describes_its_file(tmp_path: Path) -> None:
    layer = _layer(tmp_path)
    data = layer.path.read_bytes()
    assert (layer.digest, layer.size) == (f"sha256:{hashlib.sha256(data).hexdigest()}", len(data))


def test_archive_leads_from_the_name_to_the_layers(tmp_path: Path) -> None:
    layer = _layer(tmp_path)
    image = oci.Image(
        ("example.test/a:1",), (layer,), entrypoint=("/program",), env={"B": "2", "A": "1"}, labels={"l": "x"}
    )
    oci.write_archive(tmp_path / "images.tar", [image])
    files = _contents(tmp_path / "images.tar")

    def blob(descriptor: dict[str, t.Any]) -> bytes:
        data = files["blobs/" + descriptor["digest"].replace(":", "/")]
        assert (len(data), f"sha256:{hashlib.sha256(data).hexdigest()}") == (descriptor["size"], descriptor["digest"])
        return data

    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    (entry,) = json.loads(files["index.json"])["manifests"]
    assert entry["annotations"] == {"io.containerd.image.name": "example.test/a:1"}
    manifest = json.loads(blob(entry))
    config = json.loads(blob(manifest["config"]))
    assert config["config"]["Entrypoint"] == ["/program"]
    assert config["config"]["Env"] == ["A=1", "B=2"]
    assert config["config"]["Labels"] == {"l": "x"}
    assert config["rootfs"]["diff_ids"] == [layer.digest]
    assert blob(manifest["layers"][0]) == layer.path.read_bytes()


def test_shared_layer_is_stored_once_and_each_name_has_an_entry(tmp_path: Path) -> None:
    layer = _layer(tmp_path)
    images = [oci.Image(("a:1", "a:2"), (layer,)), oci.Image(("b:1",), (layer,), user="1000")]
    oci.write_archive(tmp_path / "images.tar", images)
    with tarfile.open(tmp_path / "images.tar") as content:
        names = content.getnames()
    assert names.count("blobs/" + layer.digest.replace(":", "/")) == 1
    entries = json.loads(_contents(tmp_path / "images.tar")["index.json"])["manifests"]
    assert [entry["annotations"][oci.NAME_ANNOTATION] for entry in entries] == ["a:1", "a:2", "b:1"]
    assert entries[0]["digest"] == entries[1]["digest"] != entries[2]["digest"]


def test_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    archives = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        oci.write_archive(folder / "images.tar", [oci.Image(("a:1",), (_layer(folder),))])
        archives.append((folder / "images.tar").read_bytes())
    assert archives[0] == archives[1]
