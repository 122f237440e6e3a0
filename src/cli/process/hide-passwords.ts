const URL_WITH_SECRETS = /^(--?[\w-]+=)?([a-z][a-z0-9+.-]*:\/\/)([\s\S]*)$/i

/** Parameters of a URL that hold a password. */
const PASSWORDS = /([?&](?:password|passwd|pwd)=)[^&]*/gi

/**
 * An argument of a command line without the user and password of a URL, also of one behind `--flag=`. A password may hold what ends an
 * authority where it is not encoded: all up to the last `@` is left out.
 */
export function hidePasswords(argument: string): string {
  const [, flag = '', protocol, rest = ''] = URL_WITH_SECRETS.exec(argument) ?? []
  if (protocol === undefined) return argument
  return flag + protocol + rest.slice(rest.lastIndexOf('@') + 1).replace(PASSWORDS, '$1')
}

/** The list of processes shows a command line until it is replaced. @returns the title without passwords; `undefined`: it has none */
export function findTitle(argv: readonly string[]): string | undefined {
  const shown = argv.map(hidePasswords)
  return shown.every((argument, at) => argument === argv[at]) ? undefined : ['dagstream', ...shown].join(' ')
}
