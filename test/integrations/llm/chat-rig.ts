import { createChatTool, type ChatToolOptions, OpenRouterProvider } from '../../../src/integrations/llm/index.ts'
import type { DAGStructure, ExecuteOptions, Execution, SSEEvent } from '../../../src/index.ts'
import type { Tool } from '../../../src/index.ts'
import type { FakeClock } from '../../support/fake-clock.ts'
import { idle } from '../../support/fake-clock.ts'
import { rig } from '../../support/rig.ts'

/** One request to the model, which is answered as the test says. */
export interface ModelCall {
  readonly prompt: string
  readonly body: Record<string, unknown>
  readonly send: (...chunks: readonly string[]) => Promise<void>
  readonly end: () => Promise<void>
  /** Breaks the connection off. */
  readonly drop: () => Promise<void>
  /** Nobody wants the answer any more. */
  isLeft: boolean
}

export interface ChatRig {
  readonly execution: Execution
  readonly events: readonly SSEEvent[]
  readonly clock: FakeClock
  /** The requests so far. */
  readonly calls: readonly ModelCall[]
  /** The newest request with this prompt. */
  readonly call: (prompt: string) => Promise<ModelCall>
}

/** An execution of a workflow whose chat tool asks a model that the test holds in its hand. */
export function chatRig(workflow: DAGStructure, options: ExecuteOptions = {}, chat: ChatToolOptions = {}): ChatRig {
  const calls: ModelCall[] = []
  const provider = new OpenRouterProvider({
    apiKey: 'key',
    model: 'm',
    // The clock exists only once the rig does.
    clock: { now: () => clock.now(), wallTime: () => clock.wallTime(), after: (ms, call) => clock.after(ms, call) },
    fetch: async (_url, init) => {
      const body = JSON.parse(init.body) as { messages: { content: string }[] }
      let controller: ReadableStreamDefaultController<Uint8Array> | undefined
      const call: ModelCall = {
        prompt: body.messages.at(-1)?.content ?? '',
        body,
        isLeft: false,
        async send(...chunks) {
          for (const chunk of chunks) controller?.enqueue(Buffer.from(chunk))
          await idle()
        },
        async end() {
          controller?.close()
          await idle()
        },
        async drop() {
          controller?.error(new TypeError('terminated'))
          await idle()
        },
      }
      calls.push(call)
      const stream = new ReadableStream<Uint8Array>({
        start: created => {
          controller = created
        },
        cancel: () => {
          call.isLeft = true
        },
      })
      return { status: 200, headers: new Headers({ 'content-type': 'text/event-stream' }), body: stream }
    },
  })
  const tool = createChatTool(provider, chat) as unknown as Tool
  const { execution, events, clock } = rig(workflow, { ...options, tools: { [tool.name]: tool } })
  return {
    execution,
    events,
    clock,
    calls,
    async call(prompt) {
      for (let turn = 0; turn < 50; turn++) {
        await idle()
        const found = calls.findLast(each => each.prompt === prompt && !each.isLeft)
        if (found !== undefined) return found
      }
      throw new Error(`Expected a request with the prompt ${prompt}`)
    },
  }
}

/** Tasks that ask the model with their id as the prompt, independent of each other. */
export function chats(...tasks: readonly (string | { id: string; [field: string]: unknown })[]): DAGStructure {
  return {
    tasks: tasks.map(task => {
      const fields = typeof task === 'string' ? { id: task } : task
      return { tool: 'llm:chat', arguments: { prompt: fields.id }, ...fields }
    }),
  }
}
