import { expect, test } from 'vitest'
import { describeMalformed, suggestReference } from '../../src/workflow/reference-repair.ts'
import { parseReferences } from '../../src/workflow/references.ts'

function explain(text: string): { message: string; hint: string } {
  const parsed = parseReferences(text)
  if (typeof parsed === 'string' || !('malformed' in parsed)) throw new Error(`\`${text}\` is not malformed`)
  return { message: describeMalformed(text, parsed), hint: suggestReference(text, parsed) }
}

test('the message names the step and the place after which it stands', () => {
  expect(explain("Tag $OUTPUT[page].headers['etag']!")).toEqual({
    message: 'Expected `.name`, `[0]` or `["key"]` behind `$OUTPUT[page].headers`, got `[\'etag\']`',
    hint: 'Write `$OUTPUT[page].headers["etag"]`; for text, `${OUTPUT[page].headers}[\'etag\']`',
  })
  expect(explain('$OUTPUT[a')).toEqual({
    message: 'Expected a reference, got `$OUTPUT[a`',
    hint: 'Write `$OUTPUT[id].path`, `$INPUT.path`, or either as `${…}`; `$$` for a `$` that begins none',
  })
})

test('the hint writes the form that was probably meant', () => {
  const forms: [string, string][] = [
    ['$OUTPUT[page].headers[etag]', '$OUTPUT[page].headers["etag"]'],
    ['$INPUT[content-type]', '$INPUT["content-type"]'],
    ['$INPUT[ 0 ]', '$INPUT[0]'],
    ['$INPUT[+1]', '$INPUT[1]'],
    ['$INPUT[ "a b" ].c', '$INPUT["a b"].c'],
    ['$INPUT[`a`]', '$INPUT["a"]'],
    ['$INPUT[“a”]', '$INPUT["a"]'],
    ["$INPUT['it\\'s']", '$INPUT["it\'s"]'],
    ['$INPUT[\'say "x"\']', '$INPUT["say \\"x\\""]'],
    ["$INPUT['a']['b'][ 1 ].c[d]", '$INPUT["a"]["b"][1].c["d"]'],
    ["${OUTPUT[a]['b']}", '${OUTPUT[a]["b"]}'],
    ['${OUTPUT[a].headers.content-type}', '${OUTPUT[a].headers["content-type"]}'],
    ['${INPUT.a-b.c}', '${INPUT["a-b"].c}'],
    ['${INPUT.a }', '${INPUT.a}'],
    ['${INPUT.a', '${INPUT.a}'],
    ['${INPUT', '${INPUT}'],
  ]
  for (const [text, form] of forms) expect(explain(text).hint).toContain(`Write \`${form}\``)
})

test('an index from the end is explained', () => {
  expect(explain('$INPUT[-2]').hint).toBe(
    'Write an index from 0, such as `$INPUT[0]`: none counts from the end; for text, `${INPUT}[-2]`',
  )
  expect(explain('${OUTPUT[a].rows[ -1 ]}').hint).toBe(
    'Write an index from 0, such as `${OUTPUT[a].rows[0]}`: none counts from the end; for text, `$${OUTPUT[a].rows[`',
  )
})

test('a form that cannot be guessed gets the grammar as a hint', () => {
  for (const step of ['[]', '[**]', '[0:2]', '[?(@.a)]', '[$INPUT.i]', '[', '[0', '[a', '["a"', '[0,1]', '[a[b]']) {
    expect(explain(`$INPUT.x${step}`).hint).toContain('Behind a reference write `.name`, `[0]` or `["key"]`')
  }
  for (const text of ['${INPUT-x}', '${INPUT ?? 1}', '${INPUT.a | json}', '${OUTPUT[a].}']) {
    expect(explain(text).hint).toContain('Behind a reference write `.name`, `[0]` or `["key"]`; for text, `$${')
  }
})

test('a hint and a message are bounded', () => {
  for (const text of [
    `$INPUT["${'k'.repeat(10_000)}"]['x']`,
    `$INPUT['${'k'.repeat(10_000)}']`,
    `$INPUT[${'k'.repeat(10_000)}`,
    `\${INPUT.${'k'.repeat(10_000)}-x}`,
  ]) {
    const { message, hint } = explain(text)
    expect(message.length).toBeLessThan(200)
    expect(hint.length).toBeLessThan(500)
  }
})
