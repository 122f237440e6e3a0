import { DagstreamError } from '../errors.ts'

/** What the store answers. @throws the store's own `DagstreamError`, else `STORE_FAILED` with the cause */
export async function askStore<T>(ask: () => T | Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof DagstreamError) throw error
    throw new DagstreamError('STORE_FAILED', 'The store failed', { cause: error })
  }
}
