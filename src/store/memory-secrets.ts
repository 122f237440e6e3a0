import type { Lease } from '../log/event-log.ts'
import type { SecretStore } from './execution-store.ts'

/** The part of an execution in memory that holds its secret answers. */
export interface SecretRow {
  /** By the id of the question; until its task has ended. */
  secrets: Map<string, string> | undefined
}

/** Secret answers in memory. */
export class MemorySecrets implements SecretStore {
  readonly #requireLease: (lease: Lease) => SecretRow
  readonly #find: (executionId: string) => SecretRow | undefined

  /** @param requireLease throws `FENCED` */
  constructor(requireLease: (lease: Lease) => SecretRow, find: (executionId: string) => SecretRow | undefined) {
    this.#requireLease = requireLease
    this.#find = find
  }

  put(lease: Lease, inputId: string, json: string): void {
    const row = this.#requireLease(lease)
    row.secrets ??= new Map()
    row.secrets.set(inputId, json)
  }

  get(executionId: string, inputId: string): string | undefined {
    return this.#find(executionId)?.secrets?.get(inputId)
  }

  keep(lease: Lease, inputIds: readonly string[]): void {
    const { secrets } = this.#requireLease(lease)
    for (const inputId of secrets?.keys() ?? []) if (!inputIds.includes(inputId)) secrets?.delete(inputId)
  }
}
