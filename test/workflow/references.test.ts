import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseReferences, type Reference } from '../../src/workflow/references.ts'

const output = (taskId: string, path: string[], text: string): Reference => ({ source: 'output', taskId, path, text })
const input = (path: string[], text: string): Reference => ({ source: 'input', path, text })

test('text without a reference is text', () => {
  for (const text of [
    '',
    'plain',
    '$',
    '$$',
    'costs $5',
    '$OUT[a]',
    '$OUTPUT',
    '${x}',
    '$ INPUT',
    '$input',
    '${OUTPUT}',
  ]) {
    expect(parseReferences(text)).toBe(text)
  }
})

test('the four forms are references', () => {
  expect(parseReferences('$OUTPUT[a].b')).toEqual([output('a', ['b'], '$OUTPUT[a].b')])
  expect(parseReferences('${OUTPUT[a].b}')).toEqual([output('a', ['b'], '${OUTPUT[a].b}')])
  expect(parseReferences('$INPUT.b')).toEqual([input(['b'], '$INPUT.b')])
  expect(parseReferences('${INPUT.b}')).toEqual([input(['b'], '${INPUT.b}')])
  expect(parseReferences('$INPUT')).toEqual([input([], '$INPUT')])
  expect(parseReferences('${OUTPUT[a b.c-1]}')).toEqual([output('a b.c-1', [], '${OUTPUT[a b.c-1]}')])
})

test('a path has names, indices and JSON strings; digits keep their text', () => {
  const text = '$INPUT.a_1.größe.0[12][007]["a b"]["\\u0041\\"]"]'
  expect(parseReferences(text)).toEqual([input(['a_1', 'größe', '0', '12', '007', 'a b', 'A"]'], text)])
})

test('the longest match is taken and the rest is text', () => {
  expect(parseReferences('$INPUT.a-b')).toEqual([input(['a'], '$INPUT.a'), '-b'])
  expect(parseReferences('see $OUTPUT[a].b, then')).toEqual(['see ', output('a', ['b'], '$OUTPUT[a].b'), ', then'])
  expect(parseReferences('$INPUT$INPUT')).toEqual([input([], '$INPUT'), input([], '$INPUT')])
  expect(parseReferences('${INPUT.a}b')).toEqual([input(['a'], '${INPUT.a}'), 'b'])
})

test('after a reference in braces everything is text', () => {
  for (const text of ['[0]', '["x"]', "['x']", '[x]', '[-1]', '[', '.a', '[ 0 ]']) {
    expect(parseReferences(`\${OUTPUT[a].b}${text}`)).toEqual([output('a', ['b'], '${OUTPUT[a].b}'), text])
    expect(parseReferences(`\${INPUT}${text}`)).toEqual([input([], '${INPUT}'), text])
  }
})

test('`[` directly after a reference without braces is a step or malformed', () => {
  for (const text of [
    '$INPUT[x]',
    '$INPUT["x"',
    '$INPUT["\\x"]',
    '$INPUT[-1]',
    '$INPUT[ 0 ]',
    '$INPUT[',
    '$INPUT[]',
    '$INPUT[**]',
    '$INPUT.a[0][1.5]',
    "$OUTPUT[a].headers['etag']",
    '$OUTPUT[a].headers[etag]',
    '$OUTPUT[a][0',
    '$OUTPUT[a][$INPUT]',
  ]) {
    expect(parseReferences(`x ${text}`)).toMatchObject({ malformed: text, start: 2 })
  }
  expect(parseReferences("$$INPUT['x']")).toBe("$INPUT['x']")
})

test('a shell variable that begins like the input is text', () => {
  for (const text of [
    '${INPUT_BRANCH}',
    '${INPUTS}',
    '${INPUT1}',
    '${INPUTé:-x}',
    '${INPUT:-x}',
    '${INPUT:',
    '$${INPUT_B}',
  ])
    expect(parseReferences(text)).toBe(text)
})

test('a dot with no name after it is text', () => {
  expect(parseReferences('$INPUT.')).toEqual([input([], '$INPUT'), '.'])
  expect(parseReferences('$OUTPUT[a].b. Next')).toEqual([output('a', ['b'], '$OUTPUT[a].b'), '. Next'])
  expect(parseReferences('$INPUT..a')).toEqual([input([], '$INPUT'), '..a'])
})

test('`$INPUT` followed by a name character is text', () => {
  for (const text of ['$INPUTS', '$INPUT_DIR', '$INPUT1', '$INPUTé', '$$INPUTS'])
    expect(parseReferences(text)).toBe(text)
})

test('`$$` before an opening gives one `$` and no reference', () => {
  expect(parseReferences('$$OUTPUT[a]')).toBe('$OUTPUT[a]')
  expect(parseReferences('$${INPUT.a}')).toBe('${INPUT.a}')
  expect(parseReferences('$$INPUT')).toBe('$INPUT')
  expect(parseReferences('$${OUTPUT[')).toBe('${OUTPUT[')
  expect(parseReferences('$$$OUTPUT[a]')).toBe('$$OUTPUT[a]')
  expect(parseReferences('$$INPUT and $INPUT')).toEqual(['$INPUT and ', input([], '$INPUT')])
  expect(parseReferences('$$ and $$x')).toBe('$$ and $$x')
})

test('an opening that does not parse is malformed', () => {
  for (const text of [
    '$OUTPUT[',
    '$OUTPUT[]',
    '$OUTPUT[a',
    '$OUTPUT[a[b]',
    '$OUTPUT[a\u0000]',
    `$OUTPUT[${'a'.repeat(201)}]`,
    '$OUTPUT[\ud800]',
    '${OUTPUT[a]',
    '${OUTPUT[a].}',
    '${OUTPUT[a] }',
    '${INPUT',
    '${INPUT.a',
    '${INPUT-x}',
    '${INPUT .a}',
    '${INPUT.a-b}',
    '${INPUT[-1]}',
    "${OUTPUT[a]['b']}",
  ]) {
    expect(parseReferences(`x ${text}`)).toMatchObject({ malformed: text.slice(0, 41), start: 2 })
  }
})

test('an id may have 200 characters, counted as code points', () => {
  const id = '\u{1f600}'.repeat(200)
  expect(parseReferences(`$OUTPUT[${id}]`)).toEqual([output(id, [], `$OUTPUT[${id}]`)])
})

test('every reference written by the grammar is read back', () => {
  const name = fc.stringMatching(/^[A-Za-z0-9_äßж]{1,8}$/)
  const token = fc.oneof(
    name.map(key => ({ key, text: `.${key}` })),
    fc.nat().map(index => ({ key: String(index), text: `[${index}]` })),
    fc.string({ unit: 'grapheme' }).map(key => ({ key, text: `[${JSON.stringify(key)}]` })),
  )
  const id = fc.string({ minLength: 1, maxLength: 20 }).filter(text => /^[^\p{Cc}\p{Cs}[\]]+$/u.test(text))
  fc.assert(
    fc.property(fc.option(id), fc.array(token), fc.boolean(), (taskId, tokens, isBraced) => {
      const body = (taskId === null ? 'INPUT' : `OUTPUT[${taskId}]`) + tokens.map(({ text }) => text).join('')
      const text = isBraced ? `\${${body}}` : `$${body}`
      const path = tokens.map(({ key }) => key)
      expect(parseReferences(text)).toEqual([taskId === null ? input(path, text) : output(taskId, path, text)])
      expect(parseReferences(`$${text}`)).toBe(text)
    }),
  )
})

test('any text is read without loss', () => {
  const piece = fc.constantFrom('$', '$$', 'OUTPUT[', 'INPUT', '{', '}', ']', '.a', '["', '\\"', '"]', 'a', '[0]')
  fc.assert(
    fc.property(fc.array(piece), pieces => {
      const parsed = parseReferences(pieces.join(''))
      if (typeof parsed === 'string' || 'malformed' in parsed || pieces.join('').includes('$$')) return
      expect(parsed.map(part => (typeof part === 'string' ? part : part.text)).join('')).toBe(pieces.join(''))
    }),
  )
})

test('texts of many unfinished references are read in linear time', () => {
  for (const piece of ['$OUTPUT[a]["', '$INPUT["\\', '$INPUT[0', '$$', '$INPUT.', '$INPUT["a']) {
    expect(parseReferences(piece.repeat(300_000))).toBeDefined()
  }
})
