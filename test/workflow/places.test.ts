import { expect, test } from 'vitest'
import { JsonValue } from '../../src/events/json-value.ts'
import { compileTemplate, type TemplateWalk } from '../../src/workflow/compile-template.ts'
import { IssueList } from '../../src/workflow/issues.ts'
import { type Place, PLAIN, placeOf } from '../../src/workflow/place.ts'
import { parseReferences } from '../../src/workflow/references.ts'
import { ReferenceNotFoundError, resolveTemplate, type Scope, type Template } from '../../src/workflow/template.ts'

const json = (value: unknown): JsonValue => JsonValue.from(value)

const scope: Scope = {
  input: json({ list: [{ n: 1 }, {}, { n: [{ m: 2 }, 3] }] }),
  output: id => (id === 'none' ? undefined : json({ id, list: [1, null, { x: 'y' }] })),
  status: id => json(id === undefined ? 'partial' : `status of ${id}`),
  error: id => (id === 'a' ? json({ code: 'X', message: 'broke' }) : undefined),
  item: json({ title: 'first', ids: [9_007_199_254_740_993n].map(String) }),
  index: 3,
}

function compile(value: unknown, place: Place, isRecorded = false): Template {
  const walk: TemplateWalk = {
    issues: new IssueList(),
    path: [],
    isRecorded,
    around: [],
    valuesLeft: 1e6,
    place,
    onReference: () => {},
  }
  const template = compileTemplate(value, walk)
  if (template === undefined) throw new Error(walk.issues.issues[0]?.code)
  return template
}

const resolve = (value: unknown, place: Place, isRecorded = false): unknown =>
  resolveTemplate(compile(value, place, isRecorded), scope).value

const BARE = ['$STATUS', '${STATUS}', '$ITEM.title', '${ITEM.title}', '$INDEX', '$PREVIOUS.x', '${PREVIOUS}']

test('words outside of their place are text', () => {
  for (const text of BARE) {
    expect(resolve(text, PLAIN)).toBe(text)
    expect(resolve(`$${text}`, PLAIN)).toBe(`$${text}`)
    expect(resolve(text, placeOf('output'))).toBe(text)
  }
  expect(resolve('$STATUS', placeOf('failure'))).toBe('$STATUS')
  expect(resolve('$PREVIOUS', placeOf('plain', 'item'))).toBe('$PREVIOUS')
  expect(resolve('$ITEM', placeOf('plain', 'round'))).toBe('$ITEM')
})

test('words in their place are references, and `$$` makes them text', () => {
  const item = placeOf('plain', 'item')
  expect(resolve(['$ITEM.title', '${ITEM}', '$INDEX', 'no. ${INDEX}'], item)).toEqual([
    'first',
    { title: 'first', ids: ['9007199254740993'] },
    3,
    'no. 3',
  ])
  expect(resolve(['$$ITEM.title', '$${ITEM}', '$$INDEX'], item)).toEqual(['$ITEM.title', '${ITEM}', '$INDEX'])
  expect(resolve('ended: $STATUS.', placeOf('finally'))).toBe('ended: partial.')
  expect(resolve(['$STATUS[a]', '${ERROR[a].message}'], placeOf('failure'))).toEqual(['status of a', 'broke'])
  expect(resolve('$$STATUS[a] $$ERROR[a]', placeOf('failure'))).toBe('$STATUS[a] $ERROR[a]')
})

test('a longer name is text', () => {
  const place = placeOf('finally', 'item')
  for (const text of ['$ITEMS', '$ITEM_X', '${ITEM_X}', '${ITEM:-x}', '$INDEXé', '$STATUS_CODE', '${STATUS:-1}']) {
    expect(resolve(text, place)).toBe(text)
  }
})

test('a status and an index have no members: text follows them', () => {
  expect(resolve('out-$INDEX.json', placeOf('plain', 'item'))).toBe('out-3.json')
  expect(resolve('$STATUS[a].Then', placeOf('failure'))).toBe('status of a.Then')
  expect(() => compile('$INDEX[0]', placeOf('plain', 'item'))).toThrow('INVALID_REFERENCE')
  expect(() => compile('${INDEX.x}', placeOf('plain', 'item'))).toThrow('INVALID_REFERENCE')
})

test('a status or an error of a task is refused elsewhere, and `$$` makes it text', () => {
  for (const place of [PLAIN, placeOf('output'), placeOf('plain', 'item')]) {
    for (const text of ['$STATUS[a]', '${STATUS[a]}', '$ERROR[a].message', 'x ${ERROR[a]}']) {
      expect(() => compile(text, place)).toThrow('INVALID_REFERENCE')
    }
    expect(resolve('$$STATUS[a]', place)).toBe('$STATUS[a]')
  }
})

test('recorded documents keep text as text', () => {
  for (const text of [...BARE, '$STATUS[a]', '${ERROR[a].message}', '$STATUS[', '${STATUS[0]}']) {
    expect(resolve(text, PLAIN, true)).toBe(text)
  }
  expect(resolve('$ITEM.title', placeOf('plain', 'item'), true)).toBe('first')
  expect(resolve('$STATUS[a]', placeOf('failure'), true)).toBe('status of a')
})

test('`[*]` applies later steps to each element, and a missing value is null', () => {
  expect(resolve('$INPUT.list[*]', PLAIN)).toEqual([{ n: 1 }, {}, { n: [{ m: 2 }, 3] }])
  expect(resolve('$INPUT.list[*].n', PLAIN)).toEqual([1, null, [{ m: 2 }, 3]])
  expect(resolve('$INPUT.list[*].n[*].m', PLAIN)).toEqual([null, null, [2, null]])
  expect(resolve('names: ${OUTPUT[t].list[*].x}', PLAIN)).toBe('names: [null,null,"y"]')
  expect(parseReferences('$INPUT["*"]')).toMatchObject([{ path: ['*'] }])
  expect(() => resolve('$OUTPUT[t][*]', PLAIN)).toThrow(ReferenceNotFoundError)
  expect(() => resolve('$OUTPUT[t][*]', PLAIN)).toThrow(
    '`$OUTPUT[t][*]` has no elements for `[*]`: there are `id`, `list`',
  )
})

test('the output of a task that has none is null where tasks may have failed, and not found elsewhere', () => {
  for (const place of [placeOf('failure'), placeOf('finally'), placeOf('output')]) {
    expect(resolve(['$OUTPUT[none]', '$OUTPUT[none].x[*].y', '<${OUTPUT[none].x}>'], place)).toEqual([
      null,
      null,
      '<null>',
    ])
    expect(() => resolve('$OUTPUT[t].x', place)).toThrow('`$OUTPUT[t].x` has no `x`')
  }
  expect(resolve('$ERROR[b].message', placeOf('failure'))).toBe(null)
  expect(() => resolve('$OUTPUT[none].x', PLAIN)).toThrow('`$OUTPUT[none].x` has no value: the task has no output')
})

test('the round before the first is null, with a path too', () => {
  const place = placeOf('plain', 'round')
  expect(resolve(['$PREVIOUS', '$PREVIOUS.x[0]'], place)).toEqual([null, null])
  const later = resolveTemplate(compile(['$PREVIOUS.x', '$INDEX'], place), { ...scope, previous: json({ x: 1 }) })
  expect(later.value).toEqual([1, 3])
})
