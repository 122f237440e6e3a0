import { createParser, type EventSourceMessage } from 'eventsource-parser'
import type { DAGStructure, ToolContext } from '../../src/index.ts'
import type { FaultRig } from './fault-rig.ts'
import { requestText, sendRaw } from './raw-connection.ts'

/** Its execution has every type of event that is logged, text beyond ASCII, and an output too large for the wire. */
export const EVERYTHING: DAGStructure = {
  name: 'Überall ☃',
  tasks: [
    { id: 'talk', tool: 'talk' },
    { id: 'flaky', tool: 'flaky', retry: { maxAttempts: 2, initialDelayMs: 0 } },
    { id: 'large', tool: 'large' },
    { id: 'broken', tool: 'broken' },
    { id: 'never', tool: 'talk', dependsOn: ['broken'] },
  ],
}

/** The tools of `EVERYTHING`. */
export const EVERYTHING_TOOLS: Readonly<Record<string, (args: unknown, context: ToolContext) => Promise<unknown>>> = {
  async talk(_, context) {
    context.reportProgress({ progress: 1, total: 2, message: 'halb – 半分' })
    context.log('info', 'line\r\nline\u2028line\u0085 data: x\n\nid: 7')
    context.emitToken('Hel')
    await new Promise(setImmediate)
    context.emitToken('lo ☃ 😀')
    context.reportUsage({ totalTokensIn: 3, totalTokensOut: 2, totalCost: 0 })
    return { text: 'ü\u0000\u2028😀', list: [null, 1e-7, -0] }
  },
  async flaky(_, { attempt }) {
    if (attempt === 1) throw new Error('no 😀')
    return attempt
  },
  async large() {
    return 'é☃😀'.repeat(10_000)
  },
  async broken() {
    throw new Error('broken')
  },
}

/** The messages in as much of a body as came, read by a parser that is not ours. */
export function readMessages(body: Buffer): EventSourceMessage[] {
  const messages: EventSourceMessage[] = []
  createParser({ onEvent: message => messages.push(message) }).feed(body.toString())
  return messages
}

/** The whole stream of an execution, as a reader gets it that nothing happens to. */
export async function readWhole({ port }: Pick<FaultRig, 'port'>, executionId: string): Promise<EventSourceMessage[]> {
  const answer = await sendRaw(port, requestText('GET', `/executions/${executionId}/events`))
  if (answer.status !== 200 || !answer.isComplete) throw new Error(`Expected a whole stream, got ${answer.status}`)
  return readMessages(answer.body)
}

/** What a client's events and a parser's messages have in common. */
export function toLines(
  items: readonly (EventSourceMessage | { id?: string; type: string; data: object })[],
): string[] {
  return items.map(item => {
    // A snapshot is made for its reader, at that time; everything else is what the log has.
    if ('event' in item && item.event === 'snapshot') return `${item.id} ${item.data.replace(TIMESTAMP, '')}`
    if ('event' in item) return `${item.id} ${item.event} ${item.data}`
    const { id, type, data } = item as { id?: string; type: string; data: object }
    return `${id} ${type} ${JSON.stringify(data)}`
  })
}

const TIMESTAMP = /"timestamp":"[^"]*",/

/** The places in a stream, from ids. */
export function seqsOf(items: readonly { readonly id?: string | undefined }[]): number[] {
  return items.map(({ id }) => Number(id?.split('.')[1]))
}

/** From `first` to `last`. */
export function range(first: number, last: number, step = 1): number[] {
  return Array.from({ length: Math.max(0, Math.floor((last - first) / step) + 1) }, (_, at) => first + at * step)
}
