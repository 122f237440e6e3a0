import { afterEach, beforeEach, expect, test } from 'vitest'
import { readProblem } from '../../http/handler/handler-rig.ts'
import { HeldBody } from '../../http/plans/held-body.ts'
import { idle } from '../../support/fake-clock.ts'
import { fold, PlanRig, task } from './plan-rig.ts'

let rig: PlanRig
beforeEach(() => void (rig = new PlanRig()))
afterEach(() => rig.cluster.close())

type Piece = string | Uint8Array

const MIB = 1024 * 1024
const long = (bytes: number): string => task('long', { arguments: { id: 'x'.repeat(bytes) } })

const BODIES: Readonly<Record<string, readonly Piece[]>> = {
  'lines that are cut anywhere': Array.from(
    `${task('t1')}\r\n \n${task('t2', { dependsOn: ['t1'] })}{"seal": true}\r\n`,
  ),
  'no end of the last line': [task('t1'), task('t2').trim()],
  nothing: [],
  'blanks only': ['  \n\n', ' '],
  'lines behind the seal': [task('t1'), '{"seal": true}\ngarbage\n', task('t2')],
  'no JSON': [task('t1'), '```json\n', task('t2')],
  'a repeated key': ['{"id": "t1", "id": "t2", "tool": "work"}\n'],
  'a later dependency': [task('t1', { dependsOn: ['t2'] }), task('t2')],
  'an id twice': [task('t1'), task('t1')],
  'an unknown tool': [task('t1', { tool: 'none' })],
  'bytes that are no UTF-8': [task('t1'), Uint8Array.of(0x7b, 0xff, 0x7d, 0x0a), task('t2')],
  'half a character at the end': [task('t1'), Uint8Array.of(0x7b, 0xe2, 0x82)],
  'a line of 3 MB': [task('t1'), long(3 * MIB), task('t2')],
  'a line of almost 1 MiB': [task('t1'), long(MIB - 200), task('t2')],
  'deep brackets': [
    `{"id": "deep", "tool": "work", "arguments": {"a": ${'['.repeat(400_000)}${']'.repeat(400_000)}}}\n`,
  ],
  'numbers with many digits': [
    task('t1', { arguments: { id: 't1' } }).replace('"t1"}', '"t1", "n": 12345678901234567890}'),
  ],
  'characters that a database refuses': [task('t1', { arguments: { id: '\u0000\u2028 \ud83d\ude00' } })],
}

/** The events of a plan with this rest, without what differs between two executions. */
async function run(name: keyof typeof BODIES, at: 0 | 1, head: string): Promise<unknown> {
  const own = new PlanRig()
  try {
    const servers = await own.begin(head + task('t0'), 'a', 'b')
    const body = new HeldBody()
    const following = await own.follow(servers[at], 2, body)
    for (const piece of BODIES[name] ?? []) {
      // A plan that takes no more lines leaves its body.
      if (body.isCancelled) break
      body.write(piece)
      await idle()
    }
    if (!body.isCancelled) body.end()
    await own.inTime(following.ended)
    const { tasks, seq: _, ...state } = fold(following.messages)
    const times = /"(?:timestamp|[a-zA-Z]*(?:Ms|At))":(?:"[^"]*"|[\d.]+),?/g
    return JSON.stringify([state, [...tasks.values()], own.calls]).replaceAll(times, '')
  } finally {
    own.cluster.close()
  }
}

for (const name of Object.keys(BODIES)) {
  for (const onPlanError of ['fail', 'skip']) {
    test(`a plan with ${name} comes to the same at another server: ${onPlanError}`, async () => {
      const head = `{"onPlanError": "${onPlanError}"}\n`
      expect(await run(name, 1, head)).toEqual(await run(name, 0, head))
    })
  }
}

test('a plan of more than 64 MiB is refused, whatever it holds', async () => {
  const [, b] = await rig.begin(task('t1'), 'a', 'b')
  const piece = new TextEncoder().encode(' '.repeat(MIB))
  let count = 0
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      count += 1
      controller.enqueue(piece)
    },
  })
  const following = await rig.follow(b, 1, { stream } as HeldBody)
  await rig.inTime(following.ended)
  expect(fold(following.messages)).toMatchObject({ status: 'cancelled', reason: { code: 'PLAN_REJECTED' } })
  expect(count).toBeLessThan(70)
})

test('wrong line numbers are refused with the right one', async () => {
  const [a, b] = await rig.begin(`{"name": "p"}\n${task('t1')}`, 'a', 'b')
  for (const given of [undefined, '0', '1', '3', '999999999']) {
    const headers = { ...(given !== undefined && { 'Plan-Line': given }) }
    const [sent] = await rig.send(b, task('t2'), headers)
    const refused = await rig.inTime(sent as Promise<Response>)
    expect(refused.headers.get('plan-line')).toBe('2')
    expect(await readProblem(refused)).toMatchObject({ status: 409, code: 'PLAN_LINE_MISMATCH', planLine: 2 })
  }
  const after = await rig.follow(b, 2, task('t2'))
  await rig.inTime(after.ended)
  expect(await rig.readEnd(a)).toMatchObject({ counts: { successCount: 2 } })
})

test('a plan that is silent at another server has broken off', async () => {
  const [a, b] = [rig.server('a'), rig.server('b', { planSilenceMs: 60_000 })]
  await rig.cluster.clock.run(12_000)
  const first = new HeldBody().write(task('t1'))
  const [began] = await rig.send(a, first)
  void (await rig.inTime(began as Promise<Response>)).body?.cancel()
  await rig.hasLines(a, 1)
  first.break()
  await rig.cluster.clock.run(1000)
  const body = new HeldBody()
  await rig.write(b, 1, body)
  await rig.cluster.clock.run(55_000)
  expect(body.isCancelled).toBe(false)
  await rig.passUntil(() => body.isCancelled)
  const after = await rig.follow(a, 1, '{"seal": true}')
  await rig.inTime(after.ended)
  expect(fold(after.messages)).toMatchObject({ status: 'success' })
})

test('a planner that is faster than the coordinator waits: its body is not read', async () => {
  const [a, b] = await rig.begin(task('t0'), 'a', 'b')
  let count = 0
  let open = (): void => {}
  const opened = new Promise<void>(resolve => (open = resolve))
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        await opened
        count += 1
        if (count > 3000) controller.close()
        else controller.enqueue(new TextEncoder().encode(task(`t${count}`)))
      },
    },
    { highWaterMark: 0 },
  )
  const following = await rig.follow(b, 1, { stream } as HeldBody)
  a.process.hang(true, ['commit'])
  open()
  await rig.passUntil(() => a.process.hangingCount() > 0)
  for (let turn = 0; turn < 50; turn++) await idle()
  expect(count).toBeGreaterThan(255)
  expect(count).toBeLessThan(520)
  a.process.hang(false)
  await rig.inTime(following.ended)
  expect(fold(following.messages)).toMatchObject({ status: 'success', counts: { successCount: 3001 } })
})
