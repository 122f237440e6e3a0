import type { JsonSchema, QuestionOptions, ToolContext } from '../../../tools/tool.ts'
import type { Redact } from '../../redact.ts'

/** The request of the server. */
export interface Elicitation {
  readonly mode?: string | undefined
  readonly message?: unknown
  readonly requestedSchema?: unknown
}

/** The answer to the server. */
export interface ElicitationAnswer {
  readonly action: 'accept' | 'decline' | 'cancel'
  readonly content?: Record<string, string | number | boolean | string[]>
}

/** A call that runs, and its own time limit, which stands still while a person is asked. */
interface ElicitingCall {
  readonly context: ToolContext
  /** Number of its open questions. */
  askingCount: number
  onAsking?: (isAsking: boolean) => void
}

/**
 * Questions of a server to a person, as questions of its calls. An elicitation does not name its call: it belongs to the oldest
 * that runs and does not ask already, since a call awaits its answer; if that one ends meanwhile, it was of another, and is asked
 * again as a question of the next. Those by URL are declined, those without a call cancelled.
 */
export class Elicitations {
  readonly #redact: Redact
  readonly #running = new Set<ElicitingCall>()

  constructor(redact: Redact) {
    this.#redact = redact
  }

  /** Registers a running call. @returns unregisters it */
  begin(context: ToolContext): () => void {
    const call: ElicitingCall = { context, askingCount: 0 }
    this.#running.add(call)
    return () => void this.#running.delete(call)
  }

  /** Calls back when a call begins to wait for a person, and when it continues. */
  follow(context: ToolContext, onAsking: (isAsking: boolean) => void): void {
    for (const call of this.#running) if (call.context === context) call.onAsking = onAsking
  }

  /** Never rejects. */
  async answer({ mode, message, requestedSchema }: Elicitation): Promise<ElicitationAnswer> {
    if (mode === 'url') return { action: 'decline' }
    if (typeof message !== 'string') return { action: 'cancel' }
    const isSchema = typeof requestedSchema === 'object' && requestedSchema !== null
    const question = {
      message: this.#redact(message),
      ...(isSchema && { schema: requestedSchema as JsonSchema }),
    }
    const asked = new Set<ElicitingCall>()
    for (;;) {
      const call = this.#findCall(asked)
      if (call === undefined) return { action: 'cancel' }
      asked.add(call)
      const answer = await ask(call, question)
      if (answer.action !== 'cancel' || this.#running.has(call)) return answer
    }
  }

  #findCall(asked: ReadonlySet<ElicitingCall>): ElicitingCall | undefined {
    const left = Array.from(this.#running).filter(call => !asked.has(call))
    return left.find(({ askingCount }) => askingCount === 0) ?? left[0]
  }
}

/** Never rejects. */
async function ask(call: ElicitingCall, question: QuestionOptions): Promise<ElicitationAnswer> {
  const { context } = call
  call.askingCount += 1
  if (call.askingCount === 1) call.onAsking?.(true)
  try {
    return { action: 'accept', content: await context.ask<NonNullable<ElicitationAnswer['content']>>(question) }
  } catch (error) {
    const { code, message } = error as { readonly code?: unknown; readonly message?: unknown }
    if (code === 'INPUT_DECLINED') return { action: 'decline' }
    if (code === 'INVALID_QUESTION') context.log('warning', `The server's question cannot be asked: ${String(message)}`)
    return { action: 'cancel' }
  } finally {
    call.askingCount -= 1
    if (call.askingCount === 0) call.onAsking?.(false)
  }
}
