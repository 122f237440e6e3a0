import type { JsonSchema, ToolContext } from '../../../tools/tool.ts'
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
  onAsking?: (isAsking: boolean) => void
}

/**
 * Questions of a server to a person, as questions of its calls. An elicitation does not name its call: it belongs to the oldest
 * that runs. Those by URL are declined, and so are those without a call cancelled.
 */
export class Elicitations {
  readonly #redact: Redact
  readonly #running = new Set<ElicitingCall>()

  constructor(redact: Redact) {
    this.#redact = redact
  }

  /** Registers a running call. @returns unregisters it */
  begin(context: ToolContext): () => void {
    const call: ElicitingCall = { context }
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
    const [call] = this.#running
    if (call === undefined || typeof message !== 'string') return { action: 'cancel' }
    const { context } = call
    call.onAsking?.(true)
    try {
      const isSchema = typeof requestedSchema === 'object' && requestedSchema !== null
      const schema = isSchema ? { schema: requestedSchema as JsonSchema } : {}
      const content = await context.ask<NonNullable<ElicitationAnswer['content']>>({
        message: this.#redact(message),
        ...schema,
      })
      return { action: 'accept', content }
    } catch (error) {
      const { code, message: text } = error as { readonly code?: unknown; readonly message?: unknown }
      if (code === 'INPUT_DECLINED') return { action: 'decline' }
      if (code === 'INVALID_QUESTION') context.log('warning', `The server's question cannot be asked: ${String(text)}`)
      return { action: 'cancel' }
    } finally {
      call.onAsking?.(false)
    }
  }
}
