"""The look of the page: light, readable without colour, at home on a narrow screen and on paper."""

from __future__ import annotations

CSS = """\
:root { color-scheme: light; --ink: #1d2329; --soft: #59636e; --line: #d5dbe1; --ground: #ffffff; --pale: #f5f7f9; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", "DejaVu Sans", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
.kind { color: var(--soft); font-size: .9rem; margin: 0; }
h1 { font-size: 1.9rem; line-height: 1.25; margin: .6rem 0; padding-left: .8rem;
  border-left: .45rem solid var(--soft); }
h1.good { border-color: #0072B2; } h1.care { border-color: #B58900; } h1.poor { border-color: #B5400A; }
h2 { font-size: 1.15rem; margin: 1.4rem 0 .4rem; }
h2.group { font-size: 1.5rem; margin: 0; }
h3 { font-size: 1.02rem; margin: 0 0 .2rem; }
p { margin: .4rem 0; }
.lead { color: var(--soft); }
.note { background: var(--pale); border-left: .25rem solid var(--line); padding: .4rem .7rem; }
.more { color: var(--soft); font-size: .9rem; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(280px, 1fr)); gap: 1rem; margin-top: 1rem; }
.card { border: 1px solid var(--line); border-top: .35rem solid; border-radius: .4rem; padding: .2rem 1rem .8rem; }
.card h2 { margin: .6rem 0; }
.card ul { margin: 0; padding-left: 1.1rem; font-size: .93rem; }
.card li { margin: .3rem 0; }
.card.good { border-top-color: #0072B2; } .card.care { border-top-color: #B58900; }
.card.poor { border-top-color: #B5400A; }
.legend { list-style: none; padding: 0; }
.legend li { margin: .35rem 0; }
.level { position: relative; display: inline-block; padding: .05rem .5rem; border-radius: .3rem;
  white-space: nowrap; font-size: .92rem; }
.level.good, .bar.good { background: #d3e8f6; color: #003f66; }
.level.person, .bar.person { background: #dcefe6; color: #00493a; }
.level.care, .bar.care { background: #fbf0c4; color: #594300; }
.level.poor, .bar.poor { background: #f9d9c8; color: #6f2500; }
.level.unknown, .bar.unknown { background: #e9ecef; color: #3d464e; }
.aside { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
nav { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; gap: .2rem 1.1rem;
  padding: .55rem 0; margin-top: 1.5rem;
  background: var(--ground); border-bottom: 1px solid var(--line); font-size: .93rem; }
a { color: #005a8c; }
section { margin-top: 1.6rem; scroll-margin-top: 3.5rem; }
section[id] { border-top: 1px solid var(--line); padding-top: 1.4rem; }
article { margin: 1.5rem 0; }
figure { margin: 1.2rem 0 1.6rem; }
figure img { display: block; max-width: 100%; height: auto; }
figcaption { color: var(--soft); font-size: .93rem; margin-top: .4rem; }
.scroll { overflow-x: auto; }
.scroll:focus-visible, summary:focus-visible, a:focus-visible { outline: 2px solid #005a8c; outline-offset: 2px; }
table { border-collapse: collapse; font-size: .93rem; margin: .5rem 0; font-variant-numeric: tabular-nums; }
.caption { color: var(--soft); font-size: .93rem; margin: 1rem 0 0; }
td { white-space: nowrap; }
.facts td { white-space: normal; }
th, td { text-align: left; padding: .3rem .7rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
thead th { color: var(--soft); font-weight: 600; }
tbody th { font-weight: 500; }
small { color: var(--soft); }
.glance { width: 100%; }
.glance th { white-space: nowrap; }
.glance td { width: 100%; }
.bars { display: flex; gap: 2px; }
.bar { padding: .1rem .45rem; border-radius: .2rem; min-width: 3.1rem; text-align: center; font-size: .88rem; }
.facts td { overflow-wrap: anywhere; }
details { margin: .4rem 0; }
summary { cursor: pointer; color: #005a8c; font-size: .93rem; }
@media (max-width: 640px) { h1 { font-size: 1.45rem; } nav { position: static; } .glance th { white-space: normal; } }
@media print { nav { display: none; } details { display: none; } }
"""
