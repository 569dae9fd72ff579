# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shell scripts for the pod of a database's instance: a file takes all the room that its volume has left. Pure.

A process in the pod removes the file after some seconds and holds a lock on it until then. So a file without a lock is one
whose remover has ended too early, with its container: the next drill removes it.
"""

from __future__ import annotations

FILE = "k0smotron-ha-drill-fill"
ROOM_KIB = 64
"""A volume with less than this is full: less than eight of a database's pages."""
FILL_SECONDS = 45
"""Less than a command in a pod may take: one that is left to itself would fill the volume after the drill, too."""
LARGER = 1.25
"""How much larger a file system may be than the volume that was asked for."""


def rehearsal(folder: str, size: int) -> str:
    """Succeeds where filling the folder's file system, of about `size` bytes, would fill nobody else's.

    Volumes of hostPath, or of a local provisioner without quotas, are folders on the disk of the node.
    """
    most = int(size * LARGER) // 1024
    words = (
        f"the volume was asked for with {size // 1024} KiB, but its file system has $has: "
        "where it is a folder on the disk of others, they would be without room, too"
    )
    return (
        "for each in setsid flock fallocate dd timeout; do command -v $each >/dev/null || exit 1; done; "
        f"test -w {folder} || exit 1; "
        f'has=$(df -Pk {folder} | awk "END {{ print \\$2 }}"); '
        f'if [ "$has" -gt {most} ]; then echo "{words}" >&2; exit 1; fi'
    )


def fill(folder: str, seconds: int) -> str:
    """Succeeds when no room is left; that ends by itself after so many seconds."""
    room = f'$(df -Pk {folder} | awk "END {{ print \\$4 }}")'
    write = (
        # Fast where the file system knows it; what is reserved for root, whom this may be, is taken byte by byte.
        f"fallocate -l {room}KiB $file; "
        "for round in 1 2 3; do dd if=/dev/zero of=$file bs=64k oflag=append conv=notrunc; "
        f'if [ "{room}" -lt {ROOM_KIB} ]; then exit 0; fi; done; exit 1'  # the server may have freed some meanwhile
    )
    return (
        # A name of its own: what removes the file of another drill leaves this one alone.
        f"export file={folder}/{FILE}-$$; touch $file && "
        f"{{ setsid flock $file sh -c 'sleep {seconds}; rm -f $file' </dev/null >/dev/null 2>&1 & }}; "
        f"timeout {FILL_SECONDS} sh -c '{write}' && exit 0; "
        f'{_gone("$file")}; echo "room was left for {FILL_SECONDS} s" >&2; exit 1'
    )


def empty(folder: str) -> str:
    """Give the room back now."""
    return f'for each in {folder}/{FILE}*; do test ! -e "$each" || {{ {_gone("$each")}; }}; done'


def _gone(file: str) -> str:
    """Whoever waits to remove it holds it open, and with that its room; so that goes first."""
    return f'true >"{file}"; rm -f "{file}"'


def tidy(folder: str) -> str:
    """Give the room back that nobody else will: the drill has ended, and with its container the process that would have."""
    return f'for each in {folder}/{FILE}*; do test ! -e "$each" || flock -n "$each" rm -f "$each"; done'
