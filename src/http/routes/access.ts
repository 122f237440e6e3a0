import type { ExecutionHost } from '../../host/execution-host.ts'
import type { HostedExecution } from '../../host/execution/hosted-execution.ts'
import type { ExecutionRecord } from '../../store/execution-store.ts'
import { notFound } from '../answers/problem.ts'
import { type Access, type AccessContext, type Action, askAuthorize, type Authorize } from '../security/authorize.ts'

/** Opens what a caller may act on. */
export interface AccessControl {
  /** Who asks. */
  readonly ask: (request: Request, context: AccessContext) => Promise<Access>
  /** The record of an execution that the caller may act on. The execution of another owner looks like none. */
  readonly findAllowed: (request: Request, action: Action, executionId: string) => Promise<ExecutionRecord>
  /** The same execution with its log, which is read only for callers that may see it. */
  readonly open: (request: Request, action: Action, executionId: string) => Promise<HostedExecution>
}

const ID = /^[A-Za-z0-9_-]{1,128}$/

export function createAccessControl(host: ExecutionHost, authorize: Authorize | undefined): AccessControl {
  const ask: AccessControl['ask'] = (request, context) => askAuthorize(authorize, request, context)
  const findAllowed: AccessControl['findAllowed'] = async (request, action, executionId) => {
    const record = ID.test(executionId) ? await host.findRecord(executionId) : undefined
    const owner = record?.owner
    const access = await ask(request, { action, executionId, ...(owner !== undefined && { owner }) })
    return record !== undefined && owner === access.owner ? record : refuseUnknown()
  }
  const open: AccessControl['open'] = async (request, action, id) => {
    const { executionId } = await findAllowed(request, action, id)
    return (await host.find(executionId)) ?? refuseUnknown()
  }
  return { ask, findAllowed, open }
}

function refuseUnknown(): never {
  throw notFound('There is no such execution', 'EXECUTION_NOT_FOUND')
}
