import { DagstreamError } from '../../errors.ts'

/** Whether the store failed, which it may not do for ever; to be `FENCED`, say, is another matter. */
export function isStoreFailure(error: unknown): boolean {
  return error instanceof DagstreamError && error.code === 'STORE_FAILED'
}

/** What the store answers. @throws the store's own `DagstreamError`, else `STORE_FAILED` with the cause */
export async function askStore<T>(ask: () => T | Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof DagstreamError) throw error
    throw new DagstreamError('STORE_FAILED', 'The store failed', { cause: error })
  }
}
