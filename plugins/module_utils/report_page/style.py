# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The look of all pages: one style sheet for light and dark screens, narrow ones, and paper."""

from __future__ import annotations

_LIGHT = """
  --page: #ffffff; --panel: #f4f5f7; --line: #c9ced6; --text: #1b1f24; --dim: #56606c; --link: #0b57a8;
  --ok: #1a7346; --warn: #8a5a00; --fail: #b3261e; --skipped: #56606c;
  --ok-fill: #3c9d6b; --fair-fill: #8d99a8; --warn-fill: #d9962b; --fail-fill: #d3463d;
  --reserved-fill: #8d99a8; --used-fill: #5b7fb8; --needed-fill: #3c9d6b; --free-fill: #e3e7ec;
"""
_DARK = """
  --page: #14171b; --panel: #1e2329; --line: #3d4651; --text: #e8ebef; --dim: #a4afbb; --link: #8cc2ff;
  --ok: #6fd3a0; --warn: #f0b95a; --fail: #ff9a92; --skipped: #a4afbb;
  --ok-fill: #3c9d6b; --fair-fill: #6f7b89; --warn-fill: #b97a17; --fail-fill: #cf4a41;
  --reserved-fill: #6f7b89; --used-fill: #5b7fb8; --needed-fill: #3c9d6b; --free-fill: #343c46;
"""

STYLE = f"""
:root {{ color-scheme: light dark; {_LIGHT} }}
@media screen and (prefers-color-scheme: dark) {{ :root {{ {_DARK} }} }}
* {{ box-sizing: border-box; }}
body {{
  margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 72rem; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; overflow-wrap: anywhere;
}}
h1 {{ font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; }}
h2 {{ font-size: 1.25rem; line-height: 1.3; margin: 0; }}
h3 {{ font-size: 1rem; margin: 0 0 .5rem; }}
p {{ margin: 0 0 1rem; }}
a {{ color: var(--link); }}
.dim {{ color: var(--dim); font-size: .875rem; }}
.database {{ margin-top: 2.5rem; padding-top: 1.5rem; border-top: 2px solid var(--line); }}
.title {{ display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: baseline; margin-bottom: .5rem; }}
.facts {{ display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 0 0 1.25rem; }}
.facts dt {{ color: var(--dim); }}
.facts dd {{ margin: 0; }}
code {{ font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .9em; }}
.ok {{ color: var(--ok); }} .warn {{ color: var(--warn); }} .fail {{ color: var(--fail); }}
.skipped {{ color: var(--skipped); }}
.status {{ font-weight: 700; white-space: nowrap; overflow-wrap: normal; }}
.pictures {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1rem; }}
figure {{ margin: 0 0 1.25rem; padding: 1rem; background: var(--panel); border-radius: .5rem; break-inside: avoid; }}
figcaption {{ font-size: .875rem; color: var(--dim); margin-top: .5rem; }}
svg {{ display: block; width: 100%; height: auto; }}
svg text {{
  fill: var(--text); paint-order: stroke; stroke: var(--panel); stroke-width: 3px;
  font: 13px system-ui, "Segoe UI", "DejaVu Sans", sans-serif;
}}
svg .dim {{ fill: var(--dim); font-size: 11.5px; }}
svg .axis {{ stroke: var(--line); }}
svg .mark {{ stroke: var(--text); stroke-dasharray: 4 3; }}
svg .fault {{ stroke: var(--fail-fill); stroke-width: 2px; }}
svg .back {{ stroke: var(--ok-fill); stroke-width: 2px; }}
svg .strong {{ font-weight: 700; }}
.f-ok {{ fill: var(--ok-fill); }} .f-fair {{ fill: var(--fair-fill); }} .f-warn {{ fill: var(--warn-fill); }}
.f-fail {{ fill: var(--fail-fill); }} .f-reserved {{ fill: var(--reserved-fill); }} .f-used {{ fill: var(--used-fill); }}
.f-needed {{ fill: var(--needed-fill); }} .f-free {{ fill: var(--free-fill); }}
.f-gap {{ fill: var(--free-fill); opacity: .6; }}
table {{ width: 100%; border-collapse: collapse; font-size: .9375rem; margin-bottom: 1rem; }}
caption {{ text-align: left; font-weight: 700; padding-bottom: .5rem; }}
th, td {{ text-align: left; vertical-align: top; padding: .5rem .75rem .5rem 0; border-top: 1px solid var(--line); }}
thead th {{ border-top: 0; white-space: nowrap; color: var(--dim); font-weight: 600; }}
tbody th {{ font-weight: 600; }}
tr {{ break-inside: avoid; }}
.remedy {{ margin: .35rem 0 0; }}
.checks .first {{ width: 6rem; }} .checks .second {{ width: 11rem; }} .checks .third {{ width: 40%; }}
.number {{ text-align: right; white-space: nowrap; }}
.verdict {{ font-size: 1.25rem; margin: .75rem 0 .25rem; }}
.moments {{ font-size: .9375rem; margin: .75rem 0 0; padding-left: 1.75rem; }}
.times {{ max-width: 44rem; }}
.rules .second {{ width: 28rem; }}
.errors .outcome {{ width: 6rem; overflow-wrap: normal; }}
.errors .number {{ width: 3rem; padding-right: 1rem; }}
section > h2 {{ margin-bottom: .5rem; }}
figure h2 {{ font-size: 1rem; margin: 0 0 .5rem; }}
@media (max-width: 46rem) {{
  .checks thead {{ position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }}
  .checks, .checks caption, .checks tbody, .checks tr, .checks th, .checks td {{ display: block; width: auto; }}
  .checks tr {{ border-top: 1px solid var(--line); padding: .5rem 0; }}
  .checks th, .checks td {{ border: 0; padding: .1rem 0; }}
  .databases .minor {{ display: none; }}
  .databases {{ table-layout: fixed; }}
  .databases th, .databases td {{ padding-right: .3rem; font-size: .75rem; white-space: normal; width: 27%; }}
  .databases .number {{ width: 19%; }}
  .databases th:first-child {{ width: 35%; }}
  .expected:not(:empty)::before {{ content: "Expected: "; color: var(--dim); }}
  svg.wide text, svg.wide .dim {{ font-size: 22px; }}
  .facts {{ grid-template-columns: 1fr; }}
  .facts dd {{ margin-bottom: .4rem; }}
}}
@media print {{
  @page {{ margin: 14mm; }}
  body {{ padding: 0; max-width: none; font-size: 10pt; }}
  table {{ font-size: 9pt; }}
  .dim {{ font-size: 8pt; }}
  .database {{ break-before: page; border-top: 0; padding-top: 0; margin-top: 0; }}
  .pictures {{ grid-template-columns: 1fr 1fr; }}
  .only {{ break-before: auto; margin-top: 1rem; }}
  .f-ok, .f-fair, .f-warn, .f-fail, .f-reserved, .f-used, .f-needed, .f-free, .f-gap, figure {{
    print-color-adjust: exact; -webkit-print-color-adjust: exact;
  }}
  a {{ color: inherit; text-decoration: none; }}
}}
"""
