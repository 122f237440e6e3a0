import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { handleSSERequest } from '../../src/index.ts'
import { parseMessages, request } from './request-rig.ts'

// Real time, since this file is about it: when the bytes are in the reader's hands, not in which order they end up.

test('each event arrives when it happens, long before the execution ends', async () => {
  const tools = { wait: async ({ ms }: { ms: number }) => await sleep(ms, ms) }
  const workflow = {
    tasks: [200, 500, 800].map(ms => ({ id: `after${ms}`, tool: 'wait', arguments: { ms } })),
  }
  const startedAt = performance.now()
  const response = await handleSSERequest(request(), workflow, { tools })
  const answeredAt = performance.now() - startedAt
  const arrivedAt = new Map<string, number>()
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true })
    for (const { event, data } of parseMessages(text)) {
      const { taskId } = JSON.parse(data) as { taskId?: string }
      const name = `${event} ${taskId ?? ''}`.trim()
      if (!arrivedAt.has(name)) arrivedAt.set(name, performance.now() - startedAt)
    }
  }
  const at = (name: string): number => arrivedAt.get(name) ?? Number.NaN
  expect(answeredAt).toBeLessThan(195)
  expect(at('execution_start')).toBeLessThan(195)
  for (const ms of [200, 500, 800]) {
    expect(at(`task_start after${ms}`)).toBeLessThan(195)
    // Timers are let off a millisecond early at times; a loaded machine is late, but never by a whole task.
    expect(at(`task_complete after${ms}`)).toBeGreaterThan(ms - 3)
    expect(at(`task_complete after${ms}`)).toBeLessThan(ms + 295)
  }
  expect(at('execution_complete')).toBeGreaterThan(795)
})

test('tokens arrive while their task runs', async () => {
  const tools = {
    async say(_: unknown, { emitToken }: { emitToken: (text: string) => void }) {
      for (const word of ['one ', 'two ', 'three ']) {
        emitToken(word)
        await sleep(60)
      }
    },
  }
  const response = await handleSSERequest(request(), { tasks: [{ id: 'a', tool: 'say' }] }, { tools })
  const times: number[] = []
  let endedAt = 0
  const decoder = new TextDecoder()
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    for (const { event } of parseMessages(decoder.decode(chunk))) {
      if (event === 'token') times.push(performance.now())
      if (event === 'execution_complete') endedAt = performance.now()
    }
  }
  expect(times).toHaveLength(3)
  expect(times.map(time => endedAt - time > 30)).toEqual([true, true, true])
  expect((times[2] as number) - (times[0] as number)).toBeGreaterThan(100)
})
