/** Profiles with a mistake in a ramp, a phase, a param or a parent, and YAML that is refused; with exactly what is said about it. */
import type { BrokenText } from "./broken-text.js";

export const BROKEN_PHASES: readonly BrokenText[] = [
  {
    name: "a ramp outside of phases",
    text: `profile: x
faults:
  - { type: latency, delay: { from: 1s, to: 2s } }
`,
    problems: ['3:29 faults[0].delay: a ramp needs a phase with "for" around it, and there is none'],
  },
  {
    name: "a ramp in a phase without end",
    text: `profile: x
phases:
  - phase: p
    faults:
      - { type: latency, delay: { from: 1s, to: 2s } }
`,
    problems: [
      '5:33 phases[0].faults[0].delay: a ramp needs a phase with "for" around it, and there is none',
    ],
  },
  {
    name: "a phase, its length and the end of a ramp under misspelt names",
    text: `profile: x
phases:
  - phse: p
    fro: 5s
    faults:
      - { type: latency, delay: { form: 1s, to: 2s } }
  - phase: q
    fur: 5s
repeat: 2
`,
    problems: [
      '3:5 phases[0].phse: unknown key (did you mean "phase"?)',
      '4:5 phases[0].fro: unknown key (did you mean "for"?)',
      '6:35 phases[0].faults[0].delay.form: unknown key (did you mean "from"?)',
      '8:5 phases[1].fur: unknown key (did you mean "for"?)',
    ],
  },
  {
    name: "half a ramp",
    text: `profile: x
phases:
  - phase: p
    for: 5s
    faults:
      - { type: latency, delay: { from: 1s } }
`,
    problems: ["6:33 phases[0].faults[0].delay.to: is required: both ends of a ramp"],
  },
  {
    name: "a ramp with a third end",
    text: `profile: x
phases:
  - phase: p
    for: 5s
    faults:
      - { type: latency, delay: { from: 1s, to: 2s, tol: 3s } }
`,
    problems: ['6:53 phases[0].faults[0].delay.tol: unknown key (did you mean "to"?)'],
  },
  {
    name: "a ramp of a word",
    text: `profile: x
phases:
  - phase: p
    for: 5s
    faults:
      - { type: latency, delay: 1s, distribution: { from: uniform, to: pareto } }
`,
    problems: [
      '6:51 phases[0].faults[0].distribution: only quantities can be ramped, and "distribution" is none',
    ],
  },
  {
    name: "a ramp of a whole number",
    text: `profile: x
phases:
  - phase: p
    for: 5s
    faults:
      - { type: connection_limit, max: { from: 1, to: 9 } }
`,
    problems: ['6:40 phases[0].faults[0].max: only quantities can be ramped, and "max" is none'],
  },
  {
    name: "a ramp with a wrong end",
    text: `profile: x
phases:
  - phase: p
    for: 5s
    faults:
      - { type: latency, delay: { from: 1s, to: 2 } }
`,
    problems: ["6:49 phases[0].faults[0].delay.to: expected a duration such as 50ms, got 2"],
  },
  {
    name: "a ramp that is wrong at its end only",
    text: `profile: x
phases:
  - phase: p
    for: 5s
    faults:
      - { type: slicer, size: { from: 64B, to: 16B }, variation: 32B }
`,
    problems: ["6:66 phases[0].faults[0].variation: must be less than size (16B), got 32B"],
  },
  {
    name: "a ramp of a probability outside of phases",
    text: `profile: x
faults:
  - { type: reset, when: { probability: { from: 0%, to: 5% } } }
`,
    problems: [
      '3:41 faults[0].when.probability: a ramp needs a phase with "for" around it, and there is none',
    ],
  },
  {
    name: "a ramp of a probability with a wrong end",
    text: `profile: x
phases:
  - phase: p
    for: 5s
    faults:
      - { type: reset, when: { probability: { from: 0, to: 5% } } }
`,
    problems: ["6:53 phases[0].faults[0].when.probability.from: expected a share such as 5%, got 0"],
  },
  {
    name: "a phase without a name",
    text: `profile: x
phases:
  - for: 5s
`,
    problems: ['3:5 phases[0].phase: is required: a name of lower-case letters, digits, ".", "_" and "-"'],
  },
  {
    name: "two phases of one name",
    text: `profile: x
phases:
  - { phase: a, for: 5s }
  - { phase: a, for: 5s }
`,
    problems: ['4:14 phases[1].phase: two phases are called "a"'],
  },
  {
    name: "a phase without end before the last",
    text: `profile: x
phases:
  - { phase: a }
  - { phase: b, for: 5s }
`,
    problems: [
      "3:5 phases[0].for: is required: a duration such as 30s; only the last phase may go on without an end",
    ],
  },
  {
    name: "a phase of no time",
    text: `profile: x
phases:
  - { phase: a, for: 0s }
`,
    problems: ["3:22 phases[0].for: must be more than 0ms, got 0s"],
  },
  {
    name: "an unknown key of a phase",
    text: `profile: x
phases:
  - { phase: a, four: 5s }
`,
    problems: ['3:17 phases[0].four: unknown key (did you mean "for"?)'],
  },
  {
    name: "no phases",
    text: `profile: x
phases: []
`,
    problems: ["2:9 phases: expected at least one phase"],
  },
  {
    name: "repeating without end",
    text: `profile: x
repeat: 3
phases:
  - { phase: a, for: 5s }
  - { phase: b }
`,
    problems: ['2:9 repeat: to repeat, the last phase needs a "for" as well'],
  },
  {
    name: "repeating for ever without end",
    text: `profile: x
repeat: forever
phases:
  - { phase: b }
`,
    problems: ['2:9 repeat: to repeat, the last phase needs a "for" as well'],
  },
  {
    name: "repeating nothing",
    text: `profile: x
repeat: 3
`,
    problems: ["2:9 repeat: there are no phases to repeat"],
  },
  {
    name: "repeating not at all",
    text: `profile: x
repeat: 0
phases:
  - { phase: a, for: 5s }
`,
    problems: ["2:9 repeat: must be at least 1, got 0"],
  },
  {
    name: "repeating for a word",
    text: `profile: x
repeat: always
phases:
  - { phase: a, for: 5s }
`,
    problems: ['2:9 repeat: expected a whole number or forever, got "always"'],
  },
  {
    name: "an unknown param",
    text: `profile: x
params: { delay: 5s }
faults:
  - { type: latency, delay: "\${dealy}" }
`,
    problems: ['4:29 faults[0].delay: no param is called "dealy" (did you mean "delay"?)'],
  },
  {
    name: "a param of the environment",
    text: `profile: x
faults:
  - { type: latency, delay: "\${HOME}" }
`,
    problems: ['3:29 faults[0].delay: no param is called "HOME" (the profile has no params)'],
  },
  {
    name: "a param with a fallback of its own",
    text: `profile: x
params: { d: 5s }
faults:
  - { type: latency, delay: "\${d:-6s}" }
`,
    problems: ["4:29 faults[0].delay: expected ${d}: params have their default where they are declared"],
  },
  {
    name: "a param that is not closed",
    text: `profile: x
params: { d: 5s }
faults:
  - { type: latency, delay: "\${d" }
`,
    problems: [
      '4:29 faults[0].delay: expected "${name}", got "${" that is not closed (write "$${" for a plain "${")',
    ],
  },
  {
    name: "a param without quotes between braces",
    text: `profile: x
params: { d: 5s }
faults:
  - { type: latency, delay: \${d} }
`,
    problems: [
      '4:30 is not valid YAML: unexpected flow-map-start at node end (between { } or [ ] put "${…}" in quotes)',
    ],
  },
  {
    name: "a default that is wrong where it is used",
    text: `profile: x
params:
  d: { default: 5, summary: how long }
faults:
  - type: latency
    delay: \${d}
`,
    problems: ['6:12 faults[0].delay: expected a duration such as 50ms, got 5 (the value of param "d")'],
  },
  {
    name: "a default that is a list",
    text: `profile: x
params: { d: [5s] }
`,
    problems: ["2:14 params.d: expected a single value, got a list"],
  },
  {
    name: "an unknown key of a param",
    text: `profile: x
params: { d: { defualt: 5s } }
`,
    problems: ['2:16 params.d.defualt: unknown key (did you mean "default"?)'],
  },
  {
    name: "a param with a name of its own kind",
    text: `profile: x
params: { D: 5s }
`,
    problems: [
      '2:11 params.D: expected a name of lower-case letters, digits, ".", "_" and "-" as the name of a param',
    ],
  },
  {
    name: "a default made of another param",
    text: `profile: x
params: { a: 5s, b: "\${a}" }
`,
    problems: ["2:21 params.b: a default cannot refer to other params"],
  },
  {
    name: "an unknown parent",
    text: `profile: x
extends: bas
`,
    problems: ['2:10 extends: no profile is called "bas" (did you mean "base"?)'],
  },
  {
    name: "a parent that is itself",
    text: `profile: x
extends: [base, x]
`,
    problems: ["2:17 extends[1]: profiles extend each other in a circle: x -> x"],
  },
  {
    name: "a child that spoils its parent's fault",
    text: `profile: x
extends: base
faults:
  - { name: latency, distribution: flat }
`,
    problems: [
      '4:36 faults[0].distribution: expected uniform, normal, lognormal, pareto or paretonormal, got "flat"',
    ],
  },
  {
    name: "a parent that is no name",
    text: `profile: x
extends: [5]
`,
    problems: ['2:11 extends[0]: expected a name of lower-case letters, digits, ".", "_" and "-", got 5'],
  },
  {
    name: "everything at once",
    text: `profile: x
faults:
  - { type: latency, delay: 5 }
  - { type: latenc }
phases:
  - { for: 5 }
repeat: 0
`,
    problems: [
      "3:29 faults[0].delay: expected a duration such as 50ms, got 5",
      '4:13 faults[1].type: no fault type is called "latenc" (did you mean "latency"?)',
      '6:5 phases[0].phase: is required: a name of lower-case letters, digits, ".", "_" and "-"',
      "6:12 phases[0].for: expected a duration such as 50ms, got 5",
      "7:9 repeat: must be at least 1, got 0",
    ],
  },
  {
    name: "the same profile twice in a text",
    text: `profile: x
---
profile: x
`,
    problems: ['3:10 profile: the profile "x" exists already, in request:1:10'],
  },
  {
    name: "two profiles where one is wanted",
    text: `profile: x
---
profile: y
`,
    problems: ["3:1 expected one profile, got a second one"],
  },
  {
    name: "phases that are inherited already",
    text: `profile: x
extends: phased
phases:
  - { phase: a }
`,
    problems: [
      "4:3 phases: phases are inherited already; only one of a profile and its parents can have them",
    ],
  },
];

export const BROKEN_YAML: readonly BrokenText[] = [
  {
    name: "a key given twice",
    text: `profile: x
summary: a
summary: b
`,
    problems: ['3:1 summary: the key "summary" is given twice'],
  },
  {
    name: "a tab for indentation",
    text: `profile: x
faults:
	- type: reset
`,
    problems: ["3:1 is not valid YAML: tabs are not allowed as indentation"],
  },
  {
    name: "a tag",
    text: `profile: !!str x
`,
    problems: ["1:16 profile: tags such as !!str are not supported"],
  },
  {
    name: "a tag of somebody's own",
    text: `profile: x
faults: !include faults.yaml
`,
    problems: ["2:18 faults: tags such as !include are not supported"],
  },
  {
    name: "a merge key",
    text: `profile: x
faults:
  - &a { type: reset }
  - { <<: *a, name: b }
`,
    problems: [
      "4:5 faults[1].type: is required: a fault type such as latency",
      '4:7 faults[1]: merge keys ("<<") are not supported (repeat single values with &name and *name; profiles have extends)',
    ],
  },
  {
    name: "a prototype",
    text: `profile: x
__proto__: { admin: true }
`,
    problems: ['2:1 the key "__proto__" is not allowed'],
  },
  {
    name: "a key that is a number",
    text: `profile: x
404: y
`,
    problems: ["2:1 expected a name as key, got 404 (put it in quotes)"],
  },
  {
    name: "a key that is a list",
    text: `profile: x
? [a]
: b
`,
    problems: ["2:3 expected a plain name as key"],
  },
  {
    name: "an unknown alias",
    text: `profile: *x
`,
    problems: ['1:10 profile: unknown alias "*x"'],
  },
  {
    name: "an alias within itself",
    text: `profile: x
faults: &a [*a]
`,
    problems: ['2:13 faults[0]: the alias "*a" stands within itself'],
  },
  {
    name: "a quote that is not closed",
    text: `profile: "x
`,
    problems: ['2:1 is not valid YAML: missing closing "quote'],
  },
  {
    name: "a bracket that is not closed",
    text: `profile: x
tags: [a, b
`,
    problems: [
      "3:1 is not valid YAML: flow sequence in block collection must be sufficiently indented and end with a ]",
    ],
  },
  {
    name: "another version of YAML",
    text: `%YAML 1.1
---
profile: x
`,
    problems: ["2:1 expected YAML 1.2, got a %YAML 1.1 directive"],
  },
  {
    name: "nesting without end",
    text: `profile: ${"[".repeat(40)}
`,
    problems: ["1:42 is nested more than 32 levels deep"],
  },
];
