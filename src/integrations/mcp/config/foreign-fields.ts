/** Ignored fields of other hosts: they control confirmations and display, which do not exist here. */
export const IGNORED_FIELDS: ReadonlySet<string> = new Set(['alwaysAllow', 'autoApprove', 'trust', 'description'])

const TOOL_FILTER = 'only tools that a workflow names are called'

/** Refused fields of other hosts, with the replacement here. */
const HINTS: Readonly<Record<string, string>> = {
  timeout: 'use `timeoutMs`, in milliseconds: hosts differ in the unit of `timeout`',
  serverUrl: 'say `url`',
  httpUrl: 'say `url`',
  transport: 'say `type`',
  transportType: 'say `type`',
  enabled: 'say `disabled`',
  envFile: 'use `env`, where `${NAME}` stands for a variable of the environment',
  oauth: 'OAuth is not supported; put credentials into `headers`',
  auth: 'OAuth is not supported; put credentials into `headers`',
  includeTools: TOOL_FILTER,
  excludeTools: TOOL_FILTER,
  enabledTools: TOOL_FILTER,
  disabledTools: TOOL_FILTER,
}

/** The replacement of a field that only other hosts know. */
export function findFieldHint(field: string): string | undefined {
  return Object.hasOwn(HINTS, field) ? HINTS[field] : undefined
}
