import { expectSame } from '../expectations.ts'
import { hold, join, makeMessages, type SharedCheck, type SharedRig, succeed } from '../shared-fixtures.ts'
import { makeName } from '../store-fixtures.ts'

/** Requirements on the messages of attempts. */
export const INBOX_CASES: readonly SharedCheck[] = [
  ['messages are read in order, and stay until a commit consumes them', checkRead],
  ['a message that is posted twice is delivered once, also after it was consumed', checkRepetition],
  ['messages of a worker that does not hold the order are refused', checkRefusal],
  ['a message comes back to the byte', checkBytes],
  ['executions with messages are found by their holder', checkWaiting],
  ['a commit consumes the messages that it names, and no others', checkConsumed],
  ['a message with a number below the last accepted one is a repetition', checkOrder],
]

const token = (text: string) => ({ type: 'token', text }) as const

async function checkRead(rig: SharedRig): Promise<void> {
  const { execution, worker } = await hold(rig, ['a', 'b'])
  const { inbox } = rig.store
  const ofA = makeMessages(execution.key('a'), [token('1'), token('2'), token('3'), succeed()])
  const ofB = makeMessages(execution.key('b'), [token('1'), succeed()])
  expectSame('post()', await inbox.post(worker, [...ofA.slice(0, 2), ...ofB]), [true, true, true, true])
  expectSame('post()', await inbox.post(worker, ofA.slice(2)), [true, true])
  const read = await execution.read()
  const of = (taskId: string) =>
    read.map(({ message }) => message).filter(message => 'key' in message && message.key.taskId === taskId)
  expectSame('the messages of `a`', of('a'), ofA)
  expectSame('the messages of `b`', of('b'), ofB)
  expectSame('read() again', await execution.read(), read)
  const some = await execution.read(3)
  expectSame('read() of at most 3', some, read.slice(0, 3))
  await execution.commit([], { consumed: some.map(({ id }) => id) })
  expectSame('read() after 3 were consumed', await execution.read(), read.slice(3))
  const other = await hold(rig)
  await inbox.post(other.worker, makeMessages(other.execution.key('a'), [succeed()]))
  const both = await inbox.read([execution.executionId, other.execution.executionId, makeName('unknown')], 100)
  const lengths = [execution, other.execution].map(({ executionId }) => both.get(executionId)?.length)
  expectSame('read() of 3 executions', lengths, [3, 1])
  const first = await inbox.read([execution.executionId, other.execution.executionId], 1)
  const counts = [execution.executionId, other.execution.executionId].map(id => first.get(id)?.length)
  expectSame('read() of at most 1 of each', counts, [1, 1])
}

async function checkRepetition(rig: SharedRig): Promise<void> {
  const { execution, worker } = await hold(rig)
  const { inbox } = rig.store
  const messages = makeMessages(execution.key('a'), [token('1'), token('2'), succeed()])
  const [first, second, last] = messages
  if (first === undefined || second === undefined || last === undefined) return
  expectSame('post()', await inbox.post(worker, [first]), [true])
  expectSame('post() of a repetition and more', await inbox.post(worker, [first, second]), [true, true])
  expectSame('the messages', await execution.messages(), [first, second])
  await execution.commit([], { consumed: (await execution.read()).map(({ id }) => id) })
  expectSame('post() of consumed ones', await inbox.post(worker, [first, second]), [true, true])
  expectSame('the messages', await execution.messages(), [])
  await inbox.post(worker, [last])
  expectSame('post() of the last one again', await inbox.post(worker, [last]), [true])
  expectSame('the messages', await execution.messages(), [last])
  await execution.commit([], { consumed: (await execution.read()).map(({ id }) => id) })
  const late = await inbox.post(worker, messages)
  expectSame('post() after the end was consumed', late, [false, false, false])
  expectSame('the messages after the end', await execution.messages(), [])
}

async function checkRefusal(rig: SharedRig): Promise<void> {
  const { execution, tool, worker } = await hold(rig)
  const { inbox } = rig.store
  const messages = makeMessages(execution.key('a'), [token('1'), succeed()])
  const other = await join(rig, [tool])
  expectSame('post() of another worker', await inbox.post(other, messages), [false, false])
  const unknown = makeMessages({ ...execution.key('a'), attempt: 2 }, [succeed()])
  const mixed = await inbox.post(worker, [...unknown, ...messages])
  expectSame('post() with an unknown attempt', mixed, [false, true, true])
  const later = makeMessages(execution.key('a'), [token('late')], 3)
  expectSame('post() after the end', await inbox.post(worker, later), [false])
  expectSame('the messages', await execution.messages(), messages)
}

async function checkBytes(rig: SharedRig): Promise<void> {
  const { execution, worker } = await hold(rig, ['a', 'b', 'c'])
  const usage = { totalTokensIn: 3, totalTokensOut: 0, totalCost: 0.1 }
  const metrics = { ttftMs: 1, totalMs: 2.5, tokenCount: 3, tokensPerSec: 4 }
  const ofA = makeMessages(execution.key('a'), [
    token('\u0000 \u2028 " \\ é 🧵'),
    token('long '.repeat(60_000)),
    { type: 'progress', progress: { progress: 0.5, total: 2, message: 'ż' } },
    { type: 'log', level: 'warning', message: '\u0000' },
    { type: 'usage', usage },
    { type: 'question', question: { number: 1, message: 'é', schema: { type: 'object' }, default: {}, secret: true } },
    { type: 'dropped', count: 3 },
    {
      type: 'settled',
      report: {
        status: 'success',
        outputJson: '{"b":1e400,"a":"\\ud800 \\u0000","2":0,"1":0.10}',
        executionTimeMs: 1.5,
        metrics,
      },
      usage,
    },
  ])
  const failure = { status: 'error', code: 'BUSY', message: 'é \u0000', isRetryable: true, retryAfterMs: 1.5 } as const
  const ofB = makeMessages(execution.key('b'), [{ type: 'settled', report: { ...failure, executionTimeMs: 0 } }])
  const cancelled = { status: 'cancelled', executionTimeMs: 2, abandoned: true } as const
  const ofC = makeMessages(execution.key('c'), [{ type: 'settled', report: cancelled }])
  const all = [...ofA, ...ofB, ...ofC]
  await rig.store.inbox.post(worker, all)
  expectSame('the messages', await execution.messages(), all)
}

async function checkConsumed(rig: SharedRig): Promise<void> {
  const [one, other] = [await hold(rig), await hold(rig)]
  const { inbox } = rig.store
  const posted = [token('1'), token('2'), token('3')]
  for (const { execution, worker } of [one, other]) await inbox.post(worker, makeMessages(execution.key('a'), posted))
  const [first, second, third] = await one.execution.read()
  if (third === undefined || second === undefined) throw new Error('Expected 3 messages, found fewer')
  await inbox.post(one.worker, makeMessages(one.execution.key('a'), [token('4')], 4))
  await one.execution.commit([], { consumed: [third.id] })
  const left = (await one.execution.messages()).map(message => ('number' in message ? message.number : 0))
  expectSame('the numbers of the messages after the third was consumed', left, [1, 2, 4])
  await one.execution.commit([], { consumed: [first?.id ?? '', second.id, third.id] })
  expectSame('the number of messages after a repetition', (await one.execution.read()).length, 1)
  expectSame('the number of messages of another execution', (await other.execution.read()).length, 3)
}

async function checkOrder(rig: SharedRig): Promise<void> {
  const { execution, worker } = await hold(rig)
  const { inbox } = rig.store
  const [one, two, three, four] = makeMessages(execution.key('a'), ['1', '2', '3', '4'].map(token))
  if (one === undefined || two === undefined || three === undefined || four === undefined) return
  await inbox.post(worker, [one, three])
  expectSame('post() of an earlier one', await inbox.post(worker, [two]), [true])
  await inbox.post(worker, [four])
  expectSame('the messages', await execution.messages(), [one, three, four])
}

async function checkWaiting(rig: SharedRig): Promise<void> {
  const { execution, worker } = await hold(rig)
  const { inbox } = rig.store
  const { holder, executionId } = execution
  expectSame('listWaiting() before', await inbox.listWaiting(holder), [])
  await inbox.post(worker, makeMessages(execution.key('a'), [token('1'), token('2')]))
  expectSame('listWaiting()', await inbox.listWaiting(holder), [executionId])
  expectSame('listWaiting() of another holder', await inbox.listWaiting(makeName('server')), [])
  await execution.commit([], { consumed: (await execution.read()).map(({ id }) => id) })
  expectSame('listWaiting() after they were consumed', await inbox.listWaiting(holder), [])
  await inbox.send({ commandId: makeName('command'), executionId, news: { type: 'patch', patch: '[]' } })
  expectSame('listWaiting() with a command', await inbox.listWaiting(holder), [executionId])
}
