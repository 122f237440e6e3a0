import { HttpProblem } from './problem.ts'

/** Ends the handling of a request whose read token is malformed, expired, or for another execution. One answer for all. */
export function refuseToken(): never {
  const detail = 'The `token` of this URL does not read this execution, or has expired'
  const members = { title: 'Unauthorized', detail, code: 'INVALID_READ_TOKEN' }
  throw new HttpProblem(401, members, { 'WWW-Authenticate': 'Bearer realm="", error="invalid_token"' })
}
