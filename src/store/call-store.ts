import { DagstreamError } from '../errors.ts'

/** Whether the store failed and may work again later; `FENCED`, for instance, is final. */
export function isStoreFailure(error: unknown): boolean {
  return error instanceof DagstreamError && error.code === 'STORE_FAILED'
}

/** Calls the store. @throws the store's own `DagstreamError`, else `STORE_FAILED` with the cause */
export async function callStore<T>(call: () => T | Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof DagstreamError) throw error
    throw new DagstreamError('STORE_FAILED', 'The store failed', { cause: error })
  }
}
