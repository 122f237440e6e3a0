import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createMemoryStore } from '../../../src/index.ts'
import { answerLater } from '../../conformance/later-store.ts'
import { createRandom, createRandomGraph } from '../../support/random-graph.ts'
import { handlerRig, readMessages, seqsOf, STREAM } from './handler-rig.ts'

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))

/** Reads until `byteCount` bytes have come or the body ends, then leaves. @returns the id of the last whole event */
async function readSome(response: Response, byteCount: number, take: (text: string) => void): Promise<boolean> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const decoder = new TextDecoder()
  let text = ''
  for (let left = byteCount; left > 0; ) {
    const { done, value } = await reader.read()
    if (done) {
      take(text)
      return true
    }
    text += decoder.decode(value.subarray(0, left), { stream: true })
    left -= value.length
  }
  await reader.cancel()
  take(text)
  return false
}

test(`a stream that is cut anywhere, any number of times, has every event exactly once (seed ${seed})`, async () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 4000 }), { maxLength: 30 })
  const property = fc.asyncProperty(fc.integer(), cuts, fc.boolean(), async (graphSeed, sizes, isLater) => {
    const random = createRandom(graphSeed)
    const workflow = createRandomGraph(random, 12)
    const memory = createMemoryStore()
    const { create, get, tool } = handlerRig({ store: isLater ? answerLater(memory, random) : memory })
    const pump = (async () => {
      for (let left = workflow.tasks.length; left > 0; left--) {
        let call = tool.takeFirst()
        for (; call === undefined; call = tool.takeFirst()) await new Promise(resolve => setImmediate(resolve))
        call.context.emitToken('é'.repeat(Math.floor(random() * 50)))
        if (random() < 0.5) await tool.idle()
        call.succeed(random())
      }
    })()
    const ids: string[] = []
    const take = (text: string): void => {
      // What was cut is no event: a parser never dispatches it.
      for (const frame of text.split('\n\n').slice(0, -1)) ids.push(...(/^id: (.+)$/m.exec(frame)?.slice(1) ?? []))
    }
    let isOver = await readSome(await create(workflow, { Accept: STREAM }), sizes.pop() ?? 1, take)
    while (!isOver) {
      const last = ids.at(-1)
      const response = await get('/executions/x1/events', last === undefined ? {} : { 'Last-Event-ID': last })
      if (response.status === 204) break
      isOver = await readSome(response, sizes.pop() ?? 1_000_000, take)
    }
    await pump
    const all = await readMessages(await get('/executions/x1/events'))
    expect(ids).toEqual(all.map(({ id }) => id))
    expect(seqsOf(all)).toEqual(all.map((_, at) => at + 1))
    expect(tool.started.length).toBe(workflow.tasks.length)
  })
  await fc.assert(property, { seed, numRuns: 60 })
})
