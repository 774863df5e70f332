/** How report pages look: by the theme of whoever reads, with signs beside each colour, down to the width of a telephone. */
export const STYLE = `
:root{color-scheme:light dark;--paper:#fff;--ink:#1c2024;--soft:#667079;--line:#d5dade;--good:#0b6e4f;--good-paper:#e0f2ea;
--bad:#a3182b;--bad-paper:#fbe3e5;--doubt:#7a5200;--doubt-paper:#fdf0d2;--open-paper:#eceff1}
@media (prefers-color-scheme:dark){:root{--paper:#15181b;--ink:#e6e9eb;--soft:#98a2aa;--line:#343b41;--good:#6fd3ac;--good-paper:#12352a;
--bad:#ff9aa5;--bad-paper:#461a20;--doubt:#f2c66d;--doubt-paper:#3d3014;--open-paper:#22282c}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:76rem;padding:1rem;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.4rem;margin:.5rem 0}h2{font-size:1.15rem;margin:1.6rem 0 .5rem}h3{font-size:1rem;margin:1rem 0 .3rem}
code,pre{font-family:ui-monospace,monospace;font-size:.87em}
pre{overflow:auto;max-height:26rem;padding:.6rem;background:var(--open-paper);border-radius:4px}
table{border-collapse:collapse}th,td{padding:.25rem .6rem;border:1px solid var(--line);text-align:left;font-weight:normal}
thead th{color:var(--soft)}.grid td{text-align:center;white-space:nowrap}.grid a{color:inherit;font-weight:bold}
.scroll{overflow-x:auto}small,.legend,footer{color:var(--soft)}
.good{color:var(--good)}.bad{color:var(--bad);font-weight:bold}.doubt{color:var(--doubt);font-weight:bold}
td.good{background:var(--good-paper)}td.bad{background:var(--bad-paper)}td.doubt{background:var(--doubt-paper)}td.open{background:var(--open-paper)}
.warning{padding:.5rem .8rem;background:var(--doubt-paper);color:var(--doubt);border-radius:4px}
.said{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
details{margin:.5rem 0;padding:.5rem .8rem;border:1px solid var(--line);border-radius:4px}summary{cursor:pointer}
figure{margin:.5rem 0;overflow-x:auto}svg{min-width:44rem;width:100%;max-width:60rem;font:12px ui-monospace,monospace}
svg line,svg path{stroke:var(--ink);fill:none;stroke-width:1.3}svg .tip{fill:var(--ink)}svg text{fill:var(--ink)}
svg line.faint{stroke:var(--line)}svg text.faint{fill:var(--soft)}
svg line.fault,svg path.fault{stroke:var(--bad)}svg path.fault.tip{fill:var(--bad)}svg text.fault{fill:var(--bad)}svg .dashed{stroke-dasharray:4 3}
`;
