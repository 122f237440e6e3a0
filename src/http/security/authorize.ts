import { DagstreamError } from '../../errors.ts'

/** The action of a request. */
export type Action =
  | 'create'
  | 'list'
  | 'read'
  | 'subscribe'
  | 'output'
  | 'cancel'
  | 'answer'
  | 'resume'
  | 'delete'
  | 'validate'
  | 'schema'
  | 'tools'
  | 'health'
  | 'metrics'
  | 'openapi'

/** The second argument of `authorize`. */
export interface AccessContext {
  readonly action: Action
  /** For an action on one execution. */
  readonly executionId?: string
  /** Whose it is; absent where it has no owner or does not exist. */
  readonly owner?: string
}

/** The caller, who owns the executions that they create and sees no others. */
export interface Access {
  /** Absent: the caller has no owner, and sees the executions without one. */
  readonly owner?: string
}

/** Says who asks, or answers the request itself, such as with 401. One that throws refuses with 500. */
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

/** @returns who asks. @throws AnsweredByAuthorize; whatever `authorize` throws, also for an answer that is none */
export async function askAuthorize(
  authorize: Authorize | undefined,
  request: Request,
  context: AccessContext,
): Promise<Access> {
  if (authorize === undefined) return {}
  const answer: unknown = await authorize(request, context)
  // A copy: headers of one from elsewhere cannot be changed, and more are set.
  if (answer instanceof Response) throw new AnsweredByAuthorize(new Response(answer.body, answer))
  const owner = typeof answer === 'object' && answer !== null ? (answer as Access).owner : null
  if (owner === undefined) return {}
  if (typeof owner === 'string' && owner !== '') return { owner }
  // An `authorize` that forgets to answer must not let everybody in.
  throw new DagstreamError('INVALID_OPTION', 'Expected `authorize` to return { owner? } or a Response')
}
