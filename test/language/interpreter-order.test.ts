import { describe, expect, test } from 'vitest'
import { and, errorCode, executionStatus, isEqual, isMore, isTrue, member, not, output, status } from './condition.ts'
import { failing, run, value } from './example.ts'
import { ReferenceNotFound, Undetermined } from './reference-template.ts'

const no = isEqual({ cel: '1 + 1', read: () => 2 }, 3)

describe('conditions', () => {
  test('a false condition skips the task, and that is not a failure', () => {
    const { endings, status: ended } = run([value('a', 1, { when: no.cel }), value('b', 2)], [no])
    expect([endings, ended]).toEqual([{ a: 'CONDITION_FALSE', b: 2 }, 'success'])
  })

  test('a task that a condition names is a dependency, and its numbers are doubles', () => {
    const more = isMore(member(output('a'), 'n'), 1, 1, 2.5)
    const tasks = [value('b', 'ran', { when: more.cel }), value('a', { n: 2 })]
    expect(run(tasks, [more]).endings).toEqual({ a: { n: 2 }, b: 'ran' })
    expect(run(tasks, [more]).tasks[0]?.dependsOn).toEqual(['a'])
  })

  test('a missing key fails the task, and so does a value that is not a boolean', () => {
    const missing = isTrue(member(output('a'), 'flag'))
    const tasks = [value('a', {}), value('b', 1, { when: missing.cel }), value('c', 2, { dependsOn: ['b'] })]
    expect(run(tasks, [missing]).endings).toEqual({ a: {}, b: 'CONDITION_FAILED', c: 'DEPENDENCY_FAILED' })
    const text = isTrue(output('a'))
    expect(run([value('a', 'x'), value('b', 1, { when: text.cel })], [text]).endings['b']).toBe('CONDITION_FAILED')
  })

  test('`&&` and `||` absorb a failure if the other side decides', () => {
    const absorbing = and(isTrue(member(output('a'), 'flag')), isEqual(status('a'), 'error'))
    expect(run([value('a', {}), value('b', 1, { when: absorbing.cel })], [absorbing]).endings['b']).toBe(
      'CONDITION_FALSE',
    )
  })

  test('`runOn` is decided before `when`, and `when` before the arguments', () => {
    const missing = isTrue(member(output('a'), 'flag'))
    const failed = run([failing('a'), value('b', 1, { when: missing.cel })], [missing])
    expect(failed.endings['b']).toBe('DEPENDENCY_FAILED')
    const isFalse = run([value('a', {}), value('b', '$OUTPUT[a].none', { when: no.cel })], [no])
    expect(isFalse.endings['b']).toBe('CONDITION_FALSE')
  })
})

describe('who runs after what', () => {
  const skipped = value('a', 1, { when: no.cel })

  test('a skip that is not a failure skips those that read it, and not those that are ordered after it', () => {
    const tasks = [
      skipped,
      value('reads', '$OUTPUT[a]'),
      value('further', '$OUTPUT[reads]'),
      value('ordered', 1, { dependsOn: ['a', 'reads'] }),
    ]
    const { endings, status: ended } = run(tasks, [no])
    expect(endings).toEqual({
      a: 'CONDITION_FALSE',
      reads: 'DEPENDENCY_SKIPPED',
      further: 'DEPENDENCY_SKIPPED',
      ordered: 1,
    })
    expect(ended).toBe('success')
  })

  test('a failure counts before a skip that is not a failure', () => {
    const tasks = [skipped, failing('b'), value('c', '$OUTPUT[a] $OUTPUT[b]')]
    expect(run(tasks, [no]).endings['c']).toBe('DEPENDENCY_FAILED')
  })

  test('`failure` runs after a failure, after a skip caused by a failure, and after a tolerated failure', () => {
    const after = (id: string): object => ({ dependsOn: [id], runOn: 'failure' })
    const tasks = [
      failing('a'),
      value('b', 1, { dependsOn: ['a'] }),
      failing('c', { optional: true }),
      value('fine', 1),
      skipped,
    ].map((task, at) => ({ ...task, id: ['a', 'b', 'c', 'fine', 'skipped'][at] as string }))
    const handlers = ['a', 'b', 'c', 'fine', 'skipped'].map(id => value(`after-${id}`, 'ran', after(id)))
    expect(run([...tasks, ...handlers], [no]).endings).toMatchObject({
      'after-a': 'ran',
      'after-b': 'ran',
      'after-c': 'ran',
      'after-fine': 'NOT_NEEDED',
      'after-skipped': 'NOT_NEEDED',
    })
  })

  test('`settled` runs in every case and reads statuses, errors and null', () => {
    const reads = { status: '$STATUS[a] $STATUS[b]', code: '$ERROR[a].code', error: '$ERROR[b]', out: '$OUTPUT[a]' }
    const tasks = [failing('a'), value('b', 1), value('c', reads, { runOn: 'settled' })]
    expect(run(tasks).endings['c']).toEqual({ status: 'error success', code: 'NO', error: null, out: null })
    const late = value('c', '$STATUS[a] $ERROR[a].code', { runOn: 'settled' })
    expect(run([skipped, late], [no]).endings['c']).toBe('skipped CONDITION_FALSE')
  })

  test('`NOT_NEEDED` is not a failure and skips what reads it', () => {
    const tasks = [
      value('a', 1),
      value('b', 1, { dependsOn: ['a'], runOn: 'failure' }),
      value('c', '$OUTPUT[b]'),
      value('d', 2, { dependsOn: ['b'] }),
    ]
    expect(run(tasks).endings).toEqual({ a: 1, b: 'NOT_NEEDED', c: 'DEPENDENCY_SKIPPED', d: 2 })
  })
})

describe('tolerated failures', () => {
  test('dependents read the default, null if there is none, and the status does not suffer', () => {
    const tasks = [
      failing('a', { optional: true, default: { n: 1 } }),
      failing('b', { optional: true }),
      value('c', ['$OUTPUT[a].n', '$OUTPUT[b]']),
    ]
    const { endings, status: ended } = run(tasks)
    expect([endings, ended]).toEqual([{ a: 'NO?', b: 'NO?', c: [1, null] }, 'success'])
  })

  test('`optional` does not shield from skips, whose default is not read', () => {
    const tasks = [
      failing('a'),
      value('b', 1, { dependsOn: ['a'], optional: true, default: 7 }),
      value('c', '$OUTPUT[b]'),
      value('d', '$OUTPUT[b]', { runOn: 'settled' }),
    ]
    expect(run(tasks).endings).toEqual({ a: 'NO', b: 'DEPENDENCY_FAILED', c: 'DEPENDENCY_FAILED', d: null })
  })

  test('a failure of a condition or of a reference is tolerated, too', () => {
    const tasks = [
      value('a', {}),
      value('b', '$OUTPUT[a].none', { optional: true, default: 7 }),
      value('c', '$OUTPUT[b]'),
    ]
    expect(run(tasks).endings).toEqual({ a: {}, b: 'REFERENCE_NOT_FOUND?', c: 7 })
  })

  test('a retry comes before the failure', () => {
    const shaky = { id: 'a', tool: 'shaky', arguments: { x: 1 } }
    expect(run([shaky]).endings).toEqual({ a: 'NO' })
    expect(run([{ ...shaky, retry: { maxAttempts: 2 } }]).endings).toEqual({ a: { x: 1 } })
  })
})

describe('finally', () => {
  test('runs after every ending, reads all, and depends on its own tasks only', () => {
    const ending = value('f', { all: '$STATUS', a: '$STATUS[a]', out: '$OUTPUT[b]', code: '$ERROR[a].code' })
    const { endings, tasks, status: ended } = run({ tasks: [failing('a'), value('b', 2)], finally: [ending] })
    expect(endings['f']).toEqual({ all: 'partial', a: 'error', out: 2, code: 'NO' })
    expect([tasks.at(-1)?.dependsOn, tasks.at(-1)?.layer, ended]).toEqual([[], 1, 'partial'])
  })

  test('its tasks depend on each other, and one that fails turns `success` into `partial`', () => {
    const document = {
      tasks: [value('a', 1)],
      finally: [failing('f'), value('g', '$OUTPUT[f]'), value('h', '$STATUS')],
    }
    const { endings, status: ended } = run(document)
    expect([endings, ended]).toEqual([{ a: 1, f: 'NO', g: 'DEPENDENCY_FAILED', h: 'success' }, 'partial'])
    expect(run({ tasks: [failing('a')], finally: [failing('f')] }).status).toBe('error')
  })

  test('its conditions have the status so far and that of every task', () => {
    const isPartial = and(isEqual(executionStatus, 'partial'), isEqual(errorCode('a'), 'NO'))
    const document = { tasks: [failing('a'), value('b', 1)], finally: [value('f', 1, { when: isPartial.cel })] }
    expect(run(document, [isPartial]).endings['f']).toBe(1)
    const isError = not(isPartial)
    const other = { ...document, finally: [value('f', 1, { when: isError.cel })] }
    expect(run(other, [isError]).endings['f']).toBe('CONDITION_FALSE')
  })
})

describe('references', () => {
  test('`[*]` takes later steps on each element, null where there is none', () => {
    const list = [{ name: 'x', of: [{ n: 1 }] }, {}, null]
    const tasks = [value('a', list), value('b', ['$OUTPUT[a][*].name', '$OUTPUT[a][*].of[0].n', '$OUTPUT[a][*]'])]
    expect(run(tasks).endings['b']).toEqual([['x', null, null], [1, null, null], list])
  })

  test('words outside their places are text', () => {
    const text = '$STATUS $ITEM $INDEX $PREVIOUS $INPUT_X'
    expect(run([value('a', text)]).endings['a']).toBe(text)
  })

  test('a path into an output that is not there is left open', () => {
    const open = [failing('a'), value('b', '$OUTPUT[a].n', { runOn: 'settled' })]
    expect(() => run(open)).toThrow(Undetermined)
    expect(ReferenceNotFound.prototype).not.toBeInstanceOf(Undetermined)
  })
})
