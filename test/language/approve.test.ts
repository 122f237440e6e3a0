import { expect, test } from 'vitest'
import { compileWorkflow, validateWorkflow } from '../../src/index.ts'
import { outline, pickInputs } from '../engine/questions-rig.ts'
import { idle } from '../support/fake-clock.ts'
import { rig } from '../support/rig.ts'

const task = (more: object) => ({ tasks: [{ id: 'a', tool: 'w', ...more }] })

test('a task waits for its approval before its first attempt, and runs once it is given', async () => {
  const { execution, events, tool } = rig(task({ approve: true }))
  await tool.idle()
  expect(tool.started).toEqual([])
  expect(pickInputs(events)).toEqual([
    { type: 'input_required', taskId: 'a', inputId: 'a.0', message: 'Run task a (w)?', kind: 'approval' },
  ])
  await execution.answer('a.0', true)
  ;(await tool.nextCall('a')).succeed(1)
  expect((await execution.result).results[0]).toMatchObject({ status: 'success', attempts: 1 })
  expect(outline(events).slice(1, 4)).toEqual(['input_required a', 'input_resolved a', 'task_start a'])
})

test.each([
  ['answered with false', { response: false }, 'declined'],
  ['declined', {}, 'declined'],
])(
  'an approval that is %s fails its task before an attempt',
  async (_, { response }: { response?: boolean }, outcome) => {
    const { execution, events } = rig(task({ approve: 'Pay?', retry: { maxAttempts: 3 } }))
    await idle()
    await (response === undefined ? execution.decline('a.0') : execution.answer('a.0', response))
    expect((await execution.result).results[0]).toMatchObject({ status: 'error', code: 'INPUT_DECLINED', attempts: 0 })
    expect(pickInputs(events)).toMatchObject([{ message: 'Pay?' }, { outcome }])
  },
)

test('an approval that expires declines: silence never approves', async () => {
  const { execution, clock } = rig(task({ approve: { message: 'Pay?', expiresMs: 50 }, optional: true, default: 7 }))
  await clock.run(50)
  expect((await execution.result).results[0]).toMatchObject({ code: 'INPUT_DECLINED', attempts: 0, optional: true })
})

test('an approval takes true and false alone', async () => {
  const { execution, tool } = rig(task({ approve: true }))
  await idle()
  await expect(execution.answer('a.0', 'yes')).rejects.toMatchObject({ code: 'INVALID_RESPONSE' })
  await execution.answer('a.0', true)
  ;(await tool.nextCall('a')).succeed()
  expect((await execution.result).status).toBe('success')
})

test('an approval comes after the condition and the arguments', async () => {
  const document = {
    tasks: [
      { id: 'a', tool: 'w' },
      { id: 'skipped', tool: 'w', dependsOn: ['a'], when: 'false', approve: true },
      { id: 'lacking', tool: 'w', arguments: { x: '$OUTPUT[a].none' }, approve: true },
      { id: 'asked', tool: 'w', when: 'output["a"].n > 0', approve: 'Pay ${OUTPUT[a].n}?' },
    ],
  }
  const { execution, events, tool } = rig(document)
  ;(await tool.nextCall('a')).succeed({ n: 3 })
  await idle()
  await execution.answer('asked.0', true)
  ;(await tool.nextCall('asked')).succeed()
  const { results } = await execution.result
  expect(results.map(({ code, status }) => code ?? status)).toEqual([
    'success',
    'CONDITION_FALSE',
    'REFERENCE_NOT_FOUND',
    'success',
  ])
  expect(pickInputs(events)).toMatchObject([{ inputId: 'asked.0', message: 'Pay 3?' }, {}])
})

test('a fan-out is approved once, or item by item where the message names the item', async () => {
  const each = { forEach: ['x', 'y'], tool: 'w' }
  const document = {
    tasks: [
      { id: 'once', ...each, approve: true },
      { id: 'each', ...each, approve: 'Send $ITEM?' },
    ],
  }
  const { execution, events, tool } = rig(document)
  await idle()
  expect(pickInputs(events)).toMatchObject([
    { inputId: 'once.0', message: 'Run task once (w)?' },
    { inputId: 'each[0].0', message: 'Send x?', index: 0, item: 'x' },
    { inputId: 'each[1].0', message: 'Send y?', index: 1, item: 'y' },
  ])
  await Promise.all(['once.0', 'each[0].0', 'each[1].0'].map(id => execution.answer(id, true)))
  await tool.succeedAll(1)
  expect((await execution.result).results.map(({ output }) => output)).toEqual([
    [1, 1],
    [1, 1],
  ])
})

test('`approve` keeps its form in a plan, and its faults are reported', () => {
  for (const approve of [true, { message: 'Pay $INPUT.n?' }, { message: 'Pay?', expiresMs: 5 }, { expiresMs: 5 }]) {
    expect(compileWorkflow(task({ approve }), { w: () => 1 }).describe().tasks[0]).toMatchObject({ approve })
  }
  expect(compileWorkflow(task({ approve: false }), { w: () => 1 }).describe().tasks[0]).not.toHaveProperty('approve')
  const issuesOf = (approve: unknown) => {
    const checked = validateWorkflow(task({ approve }), { w: () => 1 })
    return checked.issues.map(({ code, pointer }) => [code, pointer])
  }
  expect(issuesOf(3)).toEqual([['INVALID_SHAPE', '/tasks/0/approve']])
  expect(issuesOf(' ')).toEqual([['INVALID_SHAPE', '/tasks/0/approve']])
  expect(issuesOf({ message: '' })).toEqual([['INVALID_SHAPE', '/tasks/0/approve/message']])
  expect(issuesOf({ expiresMs: -1 })).toEqual([['INVALID_SHAPE', '/tasks/0/approve/expiresMs']])
  expect(issuesOf({ text: 'x' })).toEqual([['INVALID_SHAPE', '/tasks/0/approve/text']])
  expect(issuesOf('$OUTPUT[none]?')).toEqual([['UNKNOWN_REFERENCE', '/tasks/0/approve']])
})
