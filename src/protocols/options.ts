/** Options that the protocols of user interfaces share. */
export interface ProtocolOptions {
  /** Id of the task whose text is the answer. @defaultValue the only task of the last layer, if there is only one */
  readonly answer?: string | undefined
  /** The arguments of a task, if they are kept. @defaultValue `{}` */
  readonly argumentsOf?: ((taskId: string) => unknown) | undefined
  /** The tool of a task that has not started. @defaultValue the id of the task */
  readonly toolOf?: ((taskId: string) => string | undefined) | undefined
}

/** The arguments that are shown. Never `undefined`, which JSON does not have. */
export function readArguments({ argumentsOf }: ProtocolOptions, taskId: string): unknown {
  return argumentsOf?.(taskId) ?? {}
}
