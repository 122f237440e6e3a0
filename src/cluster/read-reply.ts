import { DagstreamError, type DagstreamErrorCode } from '../errors.ts'
import type { CommandReply, Reply } from './inbox.ts'

/** What a command returned. @throws the error of the command */
export function readReply({ error, value }: Reply): CommandReply {
  if (error === undefined) return value === undefined ? {} : { value }
  const { code, message, details } = error
  throw new DagstreamError(code as DagstreamErrorCode, message, {
    ...(typeof details === 'object' && details !== null && { details: details as Record<string, unknown> }),
  })
}
