import { expect, test } from 'vitest'
import { renderGraph } from '../../src/cli/render/graph-text.ts'

const tasks = [
  { id: '__proto__', tool: 'http:get', dependencies: [] },
  { id: 'end "<b>&#35;\\n"\\', tool: 'style x', dependencies: ['__proto__'] },
  { id: 'übung 漢字: 1/2', tool: 'echo', dependencies: ['__proto__', 'end "<b>&#35;\\n"\\'] },
]

test('Mermaid names boxes by number and writes any id as a label', () => {
  expect(renderGraph(tasks, 'mermaid')).toBe(`flowchart TD
  t0["__proto__<br/>http:get"]
  t1["end #34;#60;b#62;#38;#35;35#59;#92;n#34;#92;<br/>style x"]
  t2["übung 漢字: 1/2<br/>echo"]
  t0 --> t1
  t0 --> t2
  t1 --> t2
`)
})

test('Mermaid has no colon beside what it takes for a style', () => {
  expect(renderGraph([{ id: 'style a:#b', tool: 't', dependencies: [] }], 'mermaid')).toBe(
    'flowchart TD\n  t0["style a#58;#35;b<br/>t"]\n',
  )
})

test('DOT quotes any id and escapes its label', () => {
  expect(renderGraph(tasks, 'dot')).toBe(String.raw`digraph workflow {
  node [shape=box]
  "__proto__" [label="__proto__\nhttp:get"]
  "end \"<b>&#35;\\n\"\\" [label="end \"<b>&amp;#35;\\n\"\\\nstyle x"]
  "übung 漢字: 1/2" [label="übung 漢字: 1/2\necho"]
  "__proto__" -> "end \"<b>&#35;\\n\"\\"
  "__proto__" -> "übung 漢字: 1/2"
  "end \"<b>&#35;\\n\"\\" -> "übung 漢字: 1/2"
}
`)
})

test('an empty graph is one still', () => {
  expect([renderGraph([], 'mermaid'), renderGraph([], 'dot')]).toEqual([
    'flowchart TD\n',
    'digraph workflow {\n  node [shape=box]\n}\n',
  ])
})
