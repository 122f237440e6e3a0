import type { ExecutionHost } from '../../host/execution-host.ts'
import type { HostedExecution } from '../../host/execution/hosted-execution.ts'
import type { ExecutionRecord } from '../../store/execution-store.ts'
import { notFound } from '../answers/problem.ts'
import { refuseToken } from '../answers/unauthorized.ts'
import type { ReadTokens } from '../security/read-tokens.ts'
import { type Access, type AccessContext, type Action, askAuthorize, type Authorize } from '../security/authorize.ts'

/** Who may do what. */
export class ExecutionAccess {
  readonly #host: ExecutionHost
  readonly #authorize: Authorize | undefined
  readonly #tokens: ReadTokens

  constructor(host: ExecutionHost, authorize: Authorize | undefined, tokens: ReadTokens) {
    this.#host = host
    this.#authorize = authorize
    this.#tokens = tokens
  }

  /** @throws as `askAuthorize` does */
  ask(request: Request, context: AccessContext): Promise<Access> {
    return askAuthorize(this.#authorize, request, context)
  }

  /**
   * The record of an execution that the caller may act on. The execution of another owner looks like none. A read token stands
   * for its execution's owner; `authorize` is not asked.
   * @throws HttpProblem 404
   */
  async find(request: Request, action: Action, executionId: string): Promise<ExecutionRecord> {
    const record = ID.test(executionId) ? await this.#host.findRecord(executionId) : undefined
    const owner = record?.owner
    if (this.#tokens.grants(request, executionId)) {
      // Nobody else was asked about this request. The request itself, for forks, may hold secrets.
      return record !== undefined && READS.has(action) ? record : refuseToken()
    }
    const access = await this.ask(request, { action, executionId, ...(owner !== undefined && { owner }) })
    return record !== undefined && owner === access.owner ? record : refuseUnknown()
  }

  /** The same execution with its log, which is read only for callers that may see it. */
  async open(request: Request, action: Action, id: string): Promise<HostedExecution> {
    const { executionId } = await this.find(request, action, id)
    return (await this.#host.find(executionId)) ?? refuseUnknown()
  }
}

/** What a read token allows. */
const READS: ReadonlySet<Action> = new Set<Action>(['read', 'subscribe', 'output'])

const ID = /^[A-Za-z0-9_-]{1,128}$/

function refuseUnknown(): never {
  throw notFound('There is no such execution', 'EXECUTION_NOT_FOUND')
}
