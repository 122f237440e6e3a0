import { DagstreamError } from '../../errors.ts'

/** The action of a request. */
export type Action =
  | 'create'
  | 'list'
  | 'read'
  | 'subscribe'
  | 'output'
  | 'cancel'
  | 'fork'
  | 'plan'
  | 'answer'
  | 'token'
  | 'resume'
  | 'delete'
  | 'validate'
  | 'schema'
  | 'workflows'
  | 'tools'
  | 'workers'
  | 'health'
  | 'metrics'
  | 'openapi'
  | 'mcp'

/** The second argument of `authorize`. A call of a tool at `/mcp` asks twice: for `mcp`, and for the action of the tool. */
export interface AccessContext {
  readonly action: Action
  /** For an action on one registered workflow: its name in the path, whether there is one or not. */
  readonly workflow?: string
  /** For an action on one execution. */
  readonly executionId?: string
  /** Owner of the execution; absent if it has none or does not exist. */
  readonly owner?: string
}

/** The identity of a caller, who owns the executions that they create and sees no others. */
export interface Access {
  /** Absent: the caller has no owner, and sees the executions without one. */
  readonly owner?: string
}

/** Identifies the caller, or answers the request itself, for example with 401. If it throws, the answer is 500. */
export type Authorize = (request: Request, context: AccessContext) => Access | Response | Promise<Access | Response>

/** Ends the handling of a request with the answer that `authorize` gave. */
export class AnsweredByAuthorize extends Error {
  override readonly name: string = 'AnsweredByAuthorize'
  readonly response: Response

  constructor(response: Response) {
    super('Answered by `authorize`')
    this.response = response
  }
}

/**
 * @returns the identity of the caller. @throws AnsweredByAuthorize; what `authorize` throws; `INVALID_OPTION` for an invalid
 * result
 */
export async function askAuthorize(
  authorize: Authorize | undefined,
  request: Request,
  context: AccessContext,
): Promise<Access> {
  if (authorize === undefined) return {}
  const answer: unknown = await authorize(request, context)
  // A copy: the headers of a foreign response may be immutable, and further ones are set.
  if (answer instanceof Response) throw new AnsweredByAuthorize(new Response(answer.body, answer))
  const owner = typeof answer === 'object' && answer !== null ? (answer as Access).owner : null
  if (owner === undefined) return {}
  if (typeof owner === 'string' && owner !== '') return { owner }
  // A missing result must not allow the request.
  throw new DagstreamError('INVALID_OPTION', 'Expected `authorize` to return { owner? } or a Response')
}
