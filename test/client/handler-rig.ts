import { type Client, type ClientOptions, createClient } from 'dagstream/client'
import { createHandler, type HandlerOptions } from 'dagstream/http'
import { ControlledTool, type ToolCall } from '../support/controlled-tool.ts'
import { FakeClock } from '../support/fake-clock.ts'

/** A client and the handler it talks to, in one process and on one clock. */
export interface HandlerRig {
  readonly tool: ControlledTool
  /** The next call of a task, once everything that was sent is answered. */
  readonly call: (taskId: string) => Promise<ToolCall>
  /** Moves time on; no request is under way at any timer, though an answer takes more than promises (SHA-256). */
  readonly pass: (ms: number) => Promise<void>
  readonly client: Client
  /** Methods and paths of what the client sent. */
  readonly lines: string[]
  /** Breaks the connections that are open now. */
  readonly cut: () => void
}

export function handlerRig(
  options: Partial<HandlerOptions> = {},
  clientOptions: Partial<ClientOptions> = {},
): HandlerRig {
  const clock = new FakeClock()
  const tool = new ControlledTool()
  const handler = createHandler({
    tools: { work: tool.execute },
    clock,
    random: () => 0.5,
    taskTimeoutMs: 0,
    ...options,
  })
  const lines: string[] = []
  const cuts = new Set<() => void>()
  const underWay = new Set<Promise<Response>>()
  const rest = async (): Promise<void> => {
    for (await tool.idle(); underWay.size > 0; await tool.idle()) await Promise.allSettled(underWay)
  }
  const fetch = async (request: Request): Promise<Response> => {
    lines.push(`${request.method} ${new URL(request.url).pathname.replace(/executions\/[^/]+/, 'executions/x')}`)
    const answering = handler.fetch(request)
    underWay.add(answering)
    const response = await answering.finally(() => underWay.delete(answering))
    const reader = response.body?.getReader()
    if (reader === undefined) return response
    const body = new ReadableStream<Uint8Array>(
      {
        start(controller) {
          const cut = (): void => {
            cuts.delete(cut)
            controller.error(new TypeError('terminated'))
            void reader.cancel()
          }
          cuts.add(cut)
        },
        async pull(controller) {
          const { done, value } = await reader.read()
          if (done) controller.close()
          else controller.enqueue(value)
        },
        cancel: reason => reader.cancel(reason),
      },
      { highWaterMark: 0 },
    )
    return new Response(body, response)
  }
  const client = createClient({ url: 'http://localhost', fetch, clock, random: () => 0.5, ...clientOptions })
  const cut = (): void => {
    for (const each of cuts) each()
  }
  const pass = async (ms: number): Promise<void> => {
    let left = ms
    await rest()
    for (let next = clock.nextTimerMs; next !== undefined && next <= left; next = clock.nextTimerMs) {
      clock.advance(next)
      left -= next
      await rest()
    }
    clock.advance(left)
  }
  const call = async (taskId: string): Promise<ToolCall> => {
    await rest()
    return tool.nextCall(taskId)
  }
  return { tool, call, pass, client, lines, cut }
}
