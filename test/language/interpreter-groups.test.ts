import { describe, expect, test } from 'vitest'
import type { DAGStructure } from '../../src/index.ts'
import { index, isEqual, isMore, item, member, not, output, result } from './condition.ts'
import { failing, run, value } from './example.ts'

const no = isEqual({ cel: '1 + 1', read: () => 2 }, 3)
const checks = (items: unknown, rest: object = {}): object => ({
  id: 'all',
  tool: 'check',
  forEach: items,
  arguments: { x: '$ITEM', at: '$INDEX' },
  ...rest,
})
const bad = { fails: true }

describe('fan-out', () => {
  test('the output is an array in the order of the items, each a task of its own', () => {
    const { endings, tasks } = run([value('a', ['p', 'q']), checks('$OUTPUT[a]', { concurrency: 1 }) as never])
    expect(endings).toMatchObject({ 'all[0]': { x: 'p', at: 0 }, 'all[1]': { x: 'q', at: 1 } })
    expect(endings['all']).toEqual([endings['all[0]'], endings['all[1]']])
    expect([tasks[1]?.concurrency, tasks[1]?.dependsOn]).toEqual([1, ['a']])
  })

  test('an object of arrays gives their product, the last key fastest', () => {
    const source = { os: ['linux', 'mac'], node: [20, 22] }
    const task = { id: 'all', tool: 'value', forEach: source, arguments: { of: '$ITEM.os $ITEM.node' } }
    expect(run([task]).endings['all']).toEqual(['linux 20', 'linux 22', 'mac 20', 'mac 22'])
  })

  test('items that failed within tolerance or were skipped are null in their place', () => {
    const some = isMore(index, 1, 0, 0)
    const task = checks(['skipped', bad, 'q'], { tolerate: 1, when: some.cel })
    const { endings, status } = run([task as never], [some])
    expect(endings).toMatchObject({ 'all[0]': 'CONDITION_FALSE', 'all[1]': 'NO', 'all[2]': { x: 'q' } })
    expect([endings['all'], status]).toEqual([[null, null, { x: 'q', at: 2 }], 'success'])
  })

  test('a share of the items is rounded down: 10% of 25 are 2, 29% of 100 are 29', () => {
    const list = (size: number, failures: number): unknown[] =>
      Array.from({ length: size }, (_, at) => (at < failures ? bad : at))
    const allows = (size: number, failures: number, tolerate: unknown): boolean =>
      run([checks(list(size, failures), { tolerate }) as never]).status === 'success'
    expect([allows(25, 2, '10%'), allows(25, 3, '10%')]).toEqual([true, false])
    expect([allows(100, 29, '29%'), allows(100, 30, '29%')]).toEqual([true, false])
    expect([allows(3, 0, undefined), allows(3, 1, undefined), allows(3, 3, '100%')]).toEqual([true, false, true])
  })

  test('beyond tolerance the task fails, and how its items end depends on the schedule', () => {
    const { endings, tasks } = run([checks([bad, 1, bad], { tolerate: 1, optional: true, default: [] }) as never])
    expect([endings['all'], tasks[0]?.exceeded]).toEqual(['ITEMS_FAILED?', 1])
  })

  test('no array is a failure, an empty one a success', () => {
    const source = value('a', { x: [1] })
    expect(run([source, checks('$OUTPUT[a]') as never]).endings['all']).toBe('INVALID_ITEMS')
    expect(run([source, checks({ x: '$OUTPUT[a]' }) as never]).endings['all']).toBe('INVALID_ITEMS')
    expect(run([source, checks('$OUTPUT[a].none') as never]).endings['all']).toBe('REFERENCE_NOT_FOUND')
    expect(run([checks([]) as never, value('b', '$OUTPUT[all]')]).endings).toEqual({ all: [], b: [] })
  })

  test('a condition that names no item is decided once, for the whole task', () => {
    expect(run([checks([1, 2], { when: no.cel }) as never], [no]).endings).toEqual({ all: 'CONDITION_FALSE' })
  })

  test('a missing key of an item fails that item', () => {
    const hasN = isMore(member(item, 'n'), 1, 0, 1)
    const task = checks([{ n: 2 }, {}, { n: 1 }], { when: hasN.cel, tolerate: 1 })
    const { endings } = run([task as never], [hasN])
    expect(endings).toMatchObject({ 'all[1]': 'CONDITION_FAILED', 'all[2]': 'CONDITION_FALSE' })
    const reads = { id: 'all', tool: 'value', forEach: [{ n: 1 }, {}], tolerate: 1, arguments: { of: '$ITEM.n' } }
    expect(run([reads]).endings).toEqual({ all: [1, null], 'all[0]': 1, 'all[1]': 'REFERENCE_NOT_FOUND' })
  })
})

describe('repetition', () => {
  const rounds = (repeat: object, rest: object = {}): object => ({
    id: 'r',
    tool: 'value',
    arguments: { of: { n: '$INDEX', before: '$PREVIOUS.n' } },
    repeat,
    ...rest,
  })
  const isTwo = isEqual(member(result, 'n'), 2)

  test('each round reads the one before, and `until` ends it with the output of the last', () => {
    const { endings } = run([rounds({ until: isTwo.cel, maxTimes: 9 }) as never], [isTwo])
    expect(endings['r[0]']).toEqual({ n: 0, before: null })
    expect(endings['r']).toEqual({ n: 2, before: 1 })
    expect(Object.keys(endings)).toEqual(['r', 'r[0]', 'r[1]', 'r[2]'])
  })

  test('rounds without `until` are a success, with one that is never true a failure unless it is kept', () => {
    expect(run([rounds({ maxTimes: 2 }) as never]).endings['r']).toEqual({ n: 1, before: 0 })
    const never = { until: isTwo.cel, maxTimes: 2 }
    expect(run([rounds(never) as never], [isTwo]).endings['r']).toBe('REPEAT_EXHAUSTED')
    const kept = rounds({ ...never, onExhausted: 'keep' })
    expect(run([kept as never], [isTwo]).endings['r']).toEqual({ n: 1, before: 0 })
  })

  test('a round that fails ends it, and so does an `until` that cannot be evaluated', () => {
    const failed = { id: 'r', tool: 'fail', repeat: { maxTimes: 3 } }
    expect(run([failed]).endings).toEqual({ r: 'CHILD_FAILED', 'r[0]': 'NO' })
    const missing = isMore(member(result, 'none'), 1, 0, 1)
    const { endings } = run([rounds({ until: missing.cel, maxTimes: 3 }) as never], [missing])
    expect([endings['r'], Object.keys(endings)]).toEqual(['CONDITION_FAILED', ['r', 'r[0]']])
  })
})

describe('sub-workflows', () => {
  const twice: DAGStructure = { tasks: [value('x', '$INPUT.n'), value('y', ['$OUTPUT[x]', '$INPUT.n'])] }

  test('arguments are its input, its tasks have its id before theirs, its last layer is its output', () => {
    const { endings } = run([value('a', 4), { id: 's', workflow: twice, arguments: { n: '$OUTPUT[a]' } }])
    expect(endings).toEqual({ a: 4, s: { y: [4, 4] }, 's/x': 4, 's/y': [4, 4] })
  })

  test('a registered one behaves alike, and `output` defines its output', () => {
    const workflows = { twice: { ...twice, output: { out: '$OUTPUT[x]' } } }
    const tasks = [{ id: 's', workflow: 'twice', arguments: { n: 1 } }]
    expect(run(tasks, [], { workflows }).endings['s']).toEqual({ out: 1 })
    expect(run({ tasks, output: '$OUTPUT[s].out' }, [], { workflows }).output).toBe(1)
  })

  test('a failure in it fails its task, and the document continues', () => {
    const workflow = { tasks: [failing('x'), value('y', 1)], finally: [value('f', '$STATUS')] }
    const { endings, status } = run([{ id: 's', workflow }, value('b', 2)])
    expect(endings).toEqual({ s: 'CHILD_FAILED', 's/x': 'NO', 's/y': 1, 's/f': 'partial', b: 2 })
    expect(status).toBe('partial')
  })

  test('its default output has null where there is none', () => {
    const workflow = { tasks: [value('x', 1, { when: no.cel }), value('y', 2)] }
    expect(run([{ id: 's', workflow }], [no]).endings['s']).toEqual({ x: null, y: 2 })
  })

  test('arguments that do not fit its `inputSchema` fail the task', () => {
    const inputSchema = { type: 'object', required: ['n'], properties: { n: { type: 'number' } } }
    const task = { id: 's', workflow: { ...twice, inputSchema }, arguments: { n: '$OUTPUT[a]' } }
    expect(run([value('a', 'text'), task]).endings).toEqual({ a: 'text', s: 'INVALID_INPUT' })
    expect(run([value('a', 3), task]).endings['s']).toEqual({ y: [3, 3] })
  })

  test('each item flows through the stages of its own', () => {
    const task = { id: 'l', workflow: twice, forEach: [1, 2], arguments: { n: '$ITEM' } }
    const { endings, tasks } = run([task])
    expect(endings).toMatchObject({ l: [{ y: [1, 1] }, { y: [2, 2] }], 'l[1]/x': 2, 'l[1]': { y: [2, 2] } })
    expect(tasks[0]?.children[1]?.children.map(({ dependsOn }) => dependsOn)).toEqual([[], ['l[1]/x']])
  })

  test('rounds of one read the output of the round before', () => {
    const workflow = { tasks: [value('x', ['$INPUT.before'])], output: '$OUTPUT[x]' }
    const task = { id: 'r', workflow, repeat: { maxTimes: 2 }, arguments: { before: '$PREVIOUS' } }
    expect(run([task]).endings).toMatchObject({ r: [[null]], 'r[0]/x': [null], 'r[1]/x': [[null]] })
  })
})

describe('the output of the document', () => {
  test('reads null where a task has none, the default of a tolerated failure, and the input', () => {
    const tasks = [failing('a', { optional: true, default: 3 }), value('b', 1, { when: no.cel }), failing('c')]
    const outputs = { a: '$OUTPUT[a]', b: '$OUTPUT[b]', c: '$OUTPUT[c]', n: '$INPUT.n' }
    expect(run({ tasks, output: outputs }, [no], { input: { n: 5 } }).output).toEqual({ a: 3, b: null, c: null, n: 5 })
  })

  test('is absent if none is declared, or if it cannot be resolved, which is not a success', () => {
    expect(run([value('a', 1)])).not.toHaveProperty('output')
    const missing = run({ tasks: [value('a', {})], output: '$OUTPUT[a].n' })
    expect([missing.status, 'output' in missing]).toEqual(['partial', false])
  })

  test('conditions see the values that they name', () => {
    const isThere = not(isEqual(output('a'), null))
    expect(run([value('a', null), value('b', 1, { when: isThere.cel })], [isThere]).endings['b']).toBe(
      'CONDITION_FALSE',
    )
  })
})
