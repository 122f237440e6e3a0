import { badRequest } from '../answers/problem.ts'

/**
 * Reads a segment of the path from the URL as it was sent, decoded once.
 * @param at index as of `Array.at`
 * @param what for the message
 * @throws HttpProblem 400
 */
export function readSegment(request: Request, at: number, what: string): string {
  const segment = new URL(request.url).pathname.split('/').at(at) as string
  try {
    return decodeURIComponent(segment)
  } catch {
    throw badRequest(`The ${what} in the path is not percent-encoded UTF-8`)
  }
}
