# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings for all unit tests."""

from __future__ import annotations

from hypothesis import settings

# A busy machine makes single examples slow; that is no fault. No example database: tests leave nothing behind.
settings.register_profile("unit", deadline=None, database=None, max_examples=60)
settings.load_profile("unit")
