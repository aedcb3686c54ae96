// How the page looks. Two themes by variables, one column of text, and nothing that moves.

import { colourVariables } from './looks.ts'

const LIGHT = `--paper:#fff;--ink:#191b1f;--soft:#5a5f69;--line:#c9cdd5;--grid:#e9ebef;--panel:#f5f6f8;--link:#1d4fc4;--warn:#8a5300;--bad:#a8201a;--good:#00705f;${colourVariables('light')}`
const DARK = `--paper:#14161a;--ink:#e9ebef;--soft:#a3a9b4;--line:#434954;--grid:#272b33;--panel:#1c1f25;--link:#8fb0ff;--warn:#f0b95c;--bad:#ff8d80;--good:#43c9ae;${colourVariables('dark')}`

const TINTS = Array.from(
  { length: 9 },
  (_, i) =>
    `.tint-model-${i}{background:color-mix(in srgb,var(--model-${i}) 22%,var(--paper));border-color:var(--model-${i})}`,
).join('\n')

export const STYLE = `
:root{color-scheme:light dark;${LIGHT}}
@media (prefers-color-scheme:dark){:root{${DARK}}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%;scroll-behavior:smooth}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"DejaVu Sans",sans-serif;font-variant-numeric:tabular-nums}
header,main,footer{max-width:46rem;margin:0 auto;padding:0 1.25rem;width:100%}
main{max-width:48.5rem}
header{max-width:48.5rem;padding-top:1.6rem}
footer{max-width:48.5rem;padding-top:2rem;padding-bottom:4rem;color:var(--soft);font-size:.875rem}
h1{font-size:clamp(1.55rem,1.2rem + 1.5vw,1.9rem);line-height:1.15;letter-spacing:-.022em;margin:.3rem 0 .8rem;font-weight:700}
h2{font-size:1.5rem;line-height:1.2;letter-spacing:-.014em;margin:4rem 0 .4rem;padding-top:1.4rem;border-top:1px solid var(--line);font-weight:680}
h3{font-size:1.1rem;line-height:1.3;margin:2.4rem 0 .35rem;font-weight:650}
h4{font-size:.95rem;margin:1.8rem 0 .3rem;font-weight:650}
h4 .soft{font-weight:400}
p{margin:.5rem 0 .9rem;max-width:42rem}
a{color:var(--link);text-underline-offset:.18em;text-decoration-thickness:1px}
a:focus-visible,button:focus-visible,summary:focus-visible,[tabindex]:focus-visible{outline:2px solid var(--link);outline-offset:3px;border-radius:3px}
code{font:.92em ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
.skip{position:absolute;left:-99rem}
.skip:focus{left:1rem;top:.5rem;background:var(--paper);padding:.4rem .8rem;z-index:2}
.overline{color:var(--soft);font-size:.875rem;margin:0}
.answer{font-size:1.15rem;line-height:1.5;margin-bottom:.6rem}
h2+section>h3,h2+h3{margin-top:1rem}
.answer strong{font-weight:680}
.care{color:var(--warn);font-size:.95rem}
.does{color:var(--soft);font-size:.95rem}
.reading{max-width:42rem}
.absent,.soft{color:var(--soft)}
.model{white-space:nowrap;font-weight:600}
.marker{width:12px;height:12px;margin:0 .34em -.08em 0;flex:none}
.symbols{position:absolute}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;padding:0;margin:1.6rem 0 0;font-size:.95rem}
figure{margin:1rem 0 1.2rem}
figcaption{font-size:.95rem;font-weight:650;margin:0 0 .45rem}
figcaption::first-letter{text-transform:uppercase}
figcaption .soft{font-weight:400}
.picture{position:relative}
.picture svg.still{display:block;width:100%;height:auto;min-width:38rem}
.stillbox{overflow-x:auto}
.live{display:none}
.is-live>.stillbox{display:none}
.is-live>.live{display:block}
.key{display:flex;flex-wrap:wrap;gap:.15rem .3rem;margin:0 0 .5rem -.45rem;padding:0;list-style:none;font-size:.875rem}
.key button,.key .item{font:inherit;color:inherit;background:none;border:1px solid transparent;border-radius:99px;padding:.1rem .5rem;display:inline-flex;align-items:center}
.key button{cursor:pointer}
.key button:hover{border-color:var(--line);background:var(--panel)}
.key button[aria-pressed=false]{opacity:.5;text-decoration:line-through}
.key .model{font-weight:500;display:inline-flex;align-items:center}
.tip{font-size:13px;line-height:1.45;color:var(--ink);max-width:20rem}
.tip b{display:block;margin-bottom:.15rem}
.tip div{display:flex;gap:.5rem;justify-content:space-between;white-space:nowrap}
.tip i{font-style:normal;font-weight:600}
details{margin:.3rem 0 1rem}
summary{cursor:pointer;color:var(--soft);font-size:.9rem;width:max-content;max-width:100%}
summary:hover{color:var(--ink)}
.scroll{overflow-x:auto;margin:.6rem 0 1rem}
table{border-collapse:collapse;font-size:.875rem;line-height:1.4}
caption{text-align:left;color:var(--soft);padding-bottom:.5rem;max-width:42rem}
th,td{padding:.34rem .8rem .34rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--grid)}
th:last-child,td:last-child{padding-right:0}
thead th{color:var(--soft);font-weight:500;vertical-align:bottom;border-bottom-color:var(--line);white-space:nowrap}
tbody th{font-weight:400}
.right{text-align:right}
.figures td,.figures th{white-space:nowrap}
.first td{font-weight:650}
.status-invalid{color:var(--bad)}
.status-lower-bound{color:var(--warn)}
.status-cannot,.status-interrupted{color:var(--soft)}
.notes{list-style:none;padding:0;margin:.3rem 0;font-size:.85rem;color:var(--soft)}
.advice{width:100%;font-size:.95rem}
.advice td,.advice th{padding-top:.6rem;padding-bottom:.6rem}
.advice th[scope=row]{width:34%;font-weight:400}
.advice .use{width:24%}
.advice .use .model{display:block}
.advice .why{color:var(--soft);font-size:.875rem}
.advice tr.absent td,.advice tr.absent th{color:var(--soft)}
.cost{width:100%}
.cost td{white-space:nowrap;vertical-align:middle}
.cost .bar{width:26%;min-width:7rem}
.bar svg{display:block;width:100%;height:12px}
.because{display:grid;grid-template-columns:max-content 1fr;gap:.35rem 1.1rem;margin:.6rem 0 1rem;font-size:.95rem;max-width:46rem}
.because dt{font-size:.95rem}
.because dd{margin:0}
.because dd p{margin:0 0 .25rem}
.regime{border-collapse:separate;border-spacing:3px}
.regime td{border:1px solid var(--line);border-radius:6px;padding:.55rem .7rem;min-width:8rem}
.regime .figure{display:block;color:var(--soft);font-size:.8rem}
.regime .model{display:block}
.regime th,.regime thead td{border:0;vertical-align:middle}
.tie{background:repeating-linear-gradient(135deg,var(--grid) 0 4px,transparent 4px 9px)}
${TINTS}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.4rem;margin:.8rem 0;font-size:.95rem}
.facts dt{color:var(--soft)}
.facts dd{margin:0;overflow-wrap:anywhere}
.warning{border-left:3px solid var(--warn);padding:.1rem 0 .1rem .9rem;margin:.9rem 0}
.warning p{margin:.1rem 0}
.warning .soft{font-size:.9rem}
pre{font-size:.8rem;background:var(--panel);padding:.9rem 1rem;border-radius:6px;overflow-x:auto}
@media screen and (min-width:72rem){.scroll{width:fit-content;min-width:100%;max-width:calc(100% + (100vw - 52rem)/2)}}
@media (max-width:40rem){
 body{font-size:15.5px}
 h2{margin-top:3rem}
 .because,.facts{grid-template-columns:1fr;gap:.1rem}
 .because dd,.facts dd{margin-bottom:.6rem}
 .advice,.advice tbody,.advice tr,.advice td,.advice th{display:block;width:auto}
 .advice thead{position:absolute;left:-99rem}
 .advice tr{border-bottom:1px solid var(--grid);padding:.6rem 0}
 .advice td,.advice th[scope=row]{border:0;padding:.08rem 0;width:auto}
 .advice .use{width:auto}
 .advice .use .model{display:inline-block;margin-right:.8rem}
 .cost .bar{min-width:4rem}
}
@media print{
 :root{color-scheme:light;${LIGHT}}
 @page{margin:16mm 14mm}
 body{font-size:10.5pt}
 header,main,footer{max-width:none;padding-left:0;padding-right:0}
 .is-live>.stillbox{display:block}
 .is-live>.live,nav,.skip,details:not([open]),.key button[aria-pressed=false]{display:none}
 .picture svg.still{min-width:0}
 .stillbox,.scroll{overflow:visible}
 h2,h3,h4,figcaption{break-after:avoid}
 figure,tr,.warning{break-inside:avoid}
 h2{margin-top:2.2rem}
 table{font-size:8pt}
 .figures td,.figures th{white-space:normal;padding-right:.45rem}
 a{color:inherit;text-decoration:none}
 *{-webkit-print-color-adjust:exact;print-color-adjust:exact}
}
`
