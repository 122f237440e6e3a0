import type { CommandMessage } from '../../cluster/inbox.ts'
import { expectCode, expectSame } from '../expectations.ts'
import {
  coordinate,
  hold,
  LONG_MS,
  makeMessages,
  type SharedCheck,
  type SharedRig,
  succeed,
} from '../shared-fixtures.ts'
import { makeEnd, makeEntries, makeName } from '../store-fixtures.ts'

/** Requirements on rounds, commands and hints. */
export const ROUND_CASES: readonly SharedCheck[] = [
  ['a command is delivered once, and its reply is found', checkCommand],
  ['a command to an unknown or ended execution is refused', checkCommandRefusal],
  ['the end of an execution answers the commands and removes the orders that are left', checkEnd],
  ['a commit that is refused writes nothing of its round', checkAtomicity],
  ['a deleted execution has no orders and no messages', checkDelete],
]

function makeCancel(executionId: string): CommandMessage {
  return {
    commandId: makeName('command'),
    executionId,
    news: { type: 'cancel', reason: { code: 'CANCELLED', message: 'Enough é' } },
  }
}

async function checkCommand(rig: SharedRig): Promise<void> {
  const execution = await coordinate(rig)
  const { inbox } = rig.store
  const command = makeCancel(execution.executionId)
  const { commandId } = command
  const response = { deep: [1, 'é', null] }
  const answer: CommandMessage = {
    commandId: makeName('command'),
    executionId: execution.executionId,
    news: { type: 'answer', inputId: 'a.1', answer: { response }, by: 'someone' },
  }
  const decline: CommandMessage = {
    ...answer,
    commandId: makeName('command'),
    news: { type: 'answer', inputId: 'a.2', answer: { decline: true } },
  }
  const news = { type: 'patch', patch: '{"b":1.0,"a":"\\u0000"}' } as const
  const patch: CommandMessage = { ...answer, commandId: makeName('command'), news }
  await inbox.send(command)
  await inbox.send(command)
  for (const each of [answer, decline, patch]) await inbox.send(each)
  expectSame('the messages', await execution.messages(), [command, answer, decline, patch])
  expectSame('findReply() before', await inbox.findReply(commandId), undefined)
  const consumed = (await execution.read()).map(({ id }) => id)
  const reply = { commandId, value: '{"status":"é"}' }
  const error = { code: 'INPUT_CLOSED', message: 'é', details: { a: [1] } }
  await execution.commit([], { consumed, replies: [reply, { commandId: answer.commandId, error }] })
  expectSame('findReply()', await inbox.findReply(commandId), reply)
  expectSame('findReply() of an error', await inbox.findReply(answer.commandId), { commandId: answer.commandId, error })
  await inbox.send(command)
  expectSame('the messages after a repetition', await execution.messages(), [])
}

async function checkCommandRefusal(rig: SharedRig): Promise<void> {
  const execution = await coordinate(rig)
  const { inbox } = rig.store
  await expectCode('send()', ['EXECUTION_NOT_FOUND'], () => inbox.send(makeCancel(makeName('unknown'))))
  await execution.commit([makeEnd(execution.executionId, 1, 'success')], {})
  await expectCode('send()', ['EXECUTION_ENDED'], () => inbox.send(makeCancel(execution.executionId)))
}

async function checkEnd(rig: SharedRig): Promise<void> {
  const { execution, tool, worker } = await hold(rig)
  const { orders, inbox } = rig.store
  const { executionId } = execution
  const [command, answered] = [makeCancel(executionId), makeCancel(executionId)]
  const other = await hold(rig)
  await inbox.post(other.worker, makeMessages(other.execution.key('a'), [{ type: 'token', text: '1' }]))
  await execution.order(tool, ['b'])
  await inbox.send(answered)
  const consumed = (await execution.read()).map(({ id }) => id)
  await inbox.send(command)
  const replies = [{ commandId: answered.commandId, value: '1' }]
  await execution.commit([makeEnd(executionId, execution.lastSeq + 1, 'success')], { consumed, replies })
  expectSame('the reply of the last round', await inbox.findReply(answered.commandId), replies[0])
  const reply = await inbox.findReply(command.commandId)
  expectSame('the code of the reply', reply?.error?.code, 'EXECUTION_ENDED')
  expectSame('the messages', await execution.messages(), [])
  expectSame('list()', await orders.list(executionId), [])
  expectSame('take()', await orders.take(worker, 5, LONG_MS), [])
  expectSame('post()', await inbox.post(worker, makeMessages(execution.key('a'), [succeed()])), [false])
  await expectWhole(rig, other)
}

/** Another execution has its order and its message still. */
async function expectWhole(
  { store }: SharedRig,
  { execution, worker }: Awaited<ReturnType<typeof hold>>,
): Promise<void> {
  const key = execution.key('a')
  expectSame('the number of messages of another execution', (await execution.read()).length, 1)
  expectSame('list() of another execution', await store.orders.list(execution.executionId), [{ key, questions: [] }])
  expectSame('renew() of its worker', await store.orders.renew(worker, [key], LONG_MS), { lost: [], cancelled: [] })
}

async function checkAtomicity(rig: SharedRig): Promise<void> {
  const { execution, tool, worker } = await hold(rig)
  const { store } = rig
  const { executionId, lease, lastSeq } = execution
  const command = makeCancel(executionId)
  await store.inbox.post(worker, makeMessages(execution.key('a'), [succeed()]))
  await store.inbox.send(command)
  const messages = await execution.read()
  const round = {
    orders: [{ command: execution.command(tool, 'b'), priority: 0 }],
    consumed: messages.map(({ id }) => id),
    replies: [{ commandId: command.commandId }],
  }
  const commit = async (expected: string, seq: number, count: number, by = lease): Promise<void> => {
    // A store may write rounds without replies in a way of its own.
    for (const each of [round, { ...round, replies: [] }])
      await expectCode(`commit() at ${seq}`, [expected], () =>
        store.commit(by, seq, makeEntries(executionId, seq, count), each),
      )
  }
  const earlier = { ...lease, epoch: lease.epoch - 1 }
  await commit('SEQ_CONFLICT', lastSeq + 2, 1)
  await commit('SEQ_CONFLICT', lastSeq, 2)
  await commit('FENCED', lastSeq + 1, 1, earlier)
  await commit('FENCED', lastSeq + 1, 0, earlier)
  expectSame('the messages', await execution.read(), messages)
  expectSame('findReply()', await store.inbox.findReply(command.commandId), undefined)
  expectSame('take()', await store.orders.take(worker, 5, LONG_MS), [])
  expectSame('the entries', (await store.read(executionId, 0, 100)).length, lastSeq)
  await store.commit(lease, lastSeq + 1, makeEntries(executionId, lastSeq + 1, 2), round)
  expectSame('the messages', await execution.messages(), [])
  expectSame('findReply()', await store.inbox.findReply(command.commandId), { commandId: command.commandId })
  expectSame('the number of taken orders', (await store.orders.take(worker, 5, LONG_MS)).length, 1)
  expectSame('the entries', (await store.read(executionId, 0, 100)).length, lastSeq + 2)
}

async function checkDelete(rig: SharedRig): Promise<void> {
  const { execution, tool, worker } = await hold(rig)
  const { store } = rig
  const other = await hold(rig)
  await execution.order(tool, ['b'])
  for (const each of [{ execution, worker }, other])
    await store.inbox.post(each.worker, makeMessages(each.execution.key('a'), [{ type: 'token', text: '1' }]))
  await store.delete(execution.executionId)
  expectSame('take()', await store.orders.take(worker, 5, LONG_MS), [])
  expectSame('list()', await store.orders.list(execution.executionId), [])
  expectSame('the messages', await execution.messages(), [])
  expectSame('post()', await store.inbox.post(worker, makeMessages(execution.key('a'), [succeed()])), [false])
  await expectWhole(rig, other)
}
