import { onAbort } from '../../abort-signals.ts'
import { describeError } from '../../log/describe-error.ts'
import type { Logger } from '../../log/logger.ts'
import { ToolRegistry } from '../../tools/registry.ts'
import type { ToolResolver } from '../../tools/tool-resolver.ts'
import { shuttingDown } from '../errors/host-errors.ts'
import type { RecoverableRecord } from '../storage/recoverable-record.ts'

/** For executions that are only ended, and call no tool. */
const NO_TOOLS = new ToolRegistry()

/** Finds the tools of recorded executions. A provider has no time limit but its own. */
export class ToolLookup {
  readonly #tools: ToolResolver
  readonly #logger: Logger
  readonly #closing: AbortSignal

  /** @param closing ends every wait with `SHUTTING_DOWN` */
  constructor(tools: ToolResolver, logger: Logger, closing: AbortSignal) {
    this.#tools = tools
    this.#logger = logger
    this.#closing = closing
  }

  /** @throws `SHUTTING_DOWN`; the errors of the tool provider */
  find(workflow: unknown): Promise<ToolRegistry> {
    return new Promise((resolve, reject) => {
      const stop = onAbort(this.#closing, () => reject(shuttingDown()))
      Promise.resolve(this.#tools.toolsFor(workflow)).then(resolve, reject).finally(stop)
    })
  }

  /**
   * The tools of an execution that is only ended: those of its `finally` tasks. It ends without them if they are not available,
   * since a cancellation that was accepted takes effect.
   * @throws `SHUTTING_DOWN`
   */
  async findForEnd(executionId: string, { workflow, hasFinally }: RecoverableRecord): Promise<ToolRegistry> {
    if (!hasFinally) return NO_TOOLS
    try {
      return await this.find(workflow)
    } catch (error) {
      if (this.#closing.aborted) throw error
      const message = 'Tools of an execution that is to end are not available: its `finally` tasks do not run'
      this.#logger.warn(message, { executionId, error: describeError(error) })
      return NO_TOOLS
    }
  }
}
