/// The style of the page: one accent colour, light and dark modes, and print.
let styleSheet = """

  :root{color-scheme:light dark;--page:#fdfdfb;--ink:#1d2025;--soft:#5a6069;--line:#deded8;--grid:#ecece7;
  --accent:#0b5c9e;--hollow:#858b94;--ground:#f4f4f0;--warm:#a65300;--edge:#0003}
  \(Palette.light)
  @media screen and (prefers-color-scheme:dark){
  :root{--page:#15181c;--ink:#e6e6e1;--soft:#a3a9b2;--line:#343a42;--grid:#262b31;
  --accent:#7fbcf2;--hollow:#858d98;--ground:#1d2126;--warm:#ffb066;--edge:#fff4}
  \(Palette.dark)
  }
  *{box-sizing:border-box}
  html{-webkit-text-size-adjust:100%}
  body{margin:0 auto;padding:3.5rem 1.5rem 6rem;max-width:60rem;background:var(--page);color:var(--ink);
  font:1rem/1.6 -apple-system,"Segoe UI",Roboto,"Noto Sans","Helvetica Neue","Liberation Sans",Arial,system-ui,sans-serif;
  font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
  a{color:var(--accent);text-decoration:none}
  a:hover,a:focus-visible{text-decoration:underline}
  :focus-visible{outline:2px solid var(--accent);outline-offset:3px}
  h1,h2,h3{line-height:1.2;font-weight:600;letter-spacing:-.012em;text-wrap:balance}
  h1{font-size:2.5rem;margin:.25rem 0 1.5rem}
  h2{font-size:1.5rem;margin:0 0 1rem}
  h3{font-size:1rem;margin:1.5rem 0 .5rem}
  p{margin:0 0 1rem;max-width:42rem}
  .mark{color:var(--accent);font-weight:600;margin:0}
  .soft{color:var(--soft)}
  nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;margin:0;padding:0;list-style:none;font-size:.9375rem}
  section{margin-top:2.75rem;padding-top:2.25rem;border-top:1px solid var(--line)}
  .figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(7rem,1fr));gap:1.5rem 1rem;margin:1.5rem 0 2rem}
  .figures div{display:flex;flex-direction:column-reverse;justify-content:flex-end}
  .figures dd{margin:0;font-size:1.75rem;line-height:1.2;font-weight:600;letter-spacing:-.02em;white-space:nowrap}
  .figures dt{color:var(--soft);font-size:.875rem}
  .facts{display:grid;grid-template-columns:max-content 1fr;gap:.375rem 2rem;margin:2rem 0 0;font-size:.9375rem}
  .facts dt{color:var(--soft)}
  .facts dd{margin:0}
  .note{border-left:3px solid var(--line);padding:.25rem 0 .25rem 1rem;font-size:.9375rem}
  .note strong{margin-right:.25rem}
  .warning{border-color:var(--warm)}
  .warning strong{color:var(--warm)}
  figure{margin:1.5rem 0 0}
  .scroll{overflow:auto;scrollbar-width:thin;background:
  linear-gradient(90deg,var(--page) 30%,transparent) left/2.5rem 100%,
  linear-gradient(270deg,var(--page) 30%,transparent) right/2.5rem 100%,
  linear-gradient(90deg,var(--edge),transparent) left/.75rem 100%,
  linear-gradient(270deg,var(--edge),transparent) right/.75rem 100%;
  background-repeat:no-repeat;background-attachment:local,local,scroll,scroll}
  .scroll:has(table){max-height:42rem}
  .pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));gap:0 2.5rem}
  .pair>div{min-width:0}
  table{border-collapse:collapse;font-size:.875rem;line-height:1.4;min-width:100%}
  caption{text-align:left;color:var(--soft);padding:0 0 .5rem}
  th,td{text-align:left;padding:.4375rem 1.25rem .4375rem 0;border-bottom:1px solid var(--grid);vertical-align:baseline;
  font-weight:400;min-width:4rem}
  th:last-child,td:last-child{padding-right:0}
  thead th{color:var(--soft);border-color:var(--line);white-space:nowrap;position:sticky;top:0;background:var(--page)}
  tbody th{font-weight:600;min-width:8rem}
  details caption{position:absolute;width:1px;height:1px;padding:0;overflow:hidden;clip-path:inset(50%)}
  .n{text-align:right;white-space:nowrap}
  code,pre{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace;font-size:.8125rem}
  td:not(.n){min-width:9rem}
  td code{white-space:nowrap}
  pre{background:var(--ground);border-radius:.375rem;padding:1rem 1.25rem;margin:0 0 1rem;overflow:auto}
  pre code{overflow-wrap:normal}
  details{margin-top:1rem}
  summary{cursor:pointer;color:var(--accent);font-size:.9375rem;width:fit-content}
  details[open] summary{margin-bottom:1rem}
  section>.scroll{margin-top:2rem}
  svg{display:block;max-width:100%;height:auto}
  svg text{font-size:12px;fill:var(--ink)}
  svg .soft,svg .axis text{fill:var(--soft)}
  svg .strong{font-weight:600}
  svg .cell+text{font-size:10.5px}
  .kept{fill:var(--accent)}
  .dropped{fill:none;stroke:var(--hollow);stroke-width:1}
  .track{fill:var(--grid)}
  .anchor{fill:var(--ink)}
  .grid{stroke:var(--grid)}
  .zero{stroke:var(--hollow)}
  .whisker{stroke:var(--accent);stroke-width:2}
  .threshold{stroke:var(--ink);stroke-width:1.5;stroke-dasharray:4 3}
  @media (max-width:40rem){body{padding:2rem 1rem 4rem}h1{font-size:2rem}.facts{grid-template-columns:1fr;gap:0}
  .facts dd{margin-bottom:.75rem}.figures{grid-template-columns:1fr 1fr}}
  @media print{body{padding:0;max-width:none;font-size:10pt}nav{display:none}.scroll,.scroll:has(table){overflow:visible;max-height:none;background:none}
  details::details-content{content-visibility:visible;display:block;height:auto}
  h2,h3,summary{break-after:avoid}svg,tr,.note{break-inside:avoid}svg{min-width:0!important}
  *{print-color-adjust:exact;-webkit-print-color-adjust:exact}}

  """
