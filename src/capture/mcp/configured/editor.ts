/** One MCP server as a file names it. */
export interface Configured {
  readonly name: string;
  /** Folder of the project it is for, where the file says so. */
  readonly project?: string | undefined;
  /** The command with its arguments, of a server on stdio. */
  readonly words?: readonly string[];
  /** The address, of a server over HTTP. */
  readonly url?: string;
  /** Neither of the two, or in a form that weir does not change: why. */
  readonly odd?: string;
  readonly disabled: boolean;
}

/** A file that names MCP servers, changed word by word; all else in it stays as it is, byte for byte. */
export interface Editor {
  readonly text: string;
  readonly servers: readonly Configured[];
  /** Puts words in front of a server's command. */
  prepend(server: Configured, words: readonly string[]): void;
  /** Takes the first words of a server's command away. `was`: the file before words were put there, to tell no arguments from an empty list. */
  strip(server: Configured, count: number, was: Editor | undefined): void;
  setUrl(server: Configured, url: string): void;
}

/** The same server in another version of the file. */
export const counterpart = (editor: Editor | undefined, { name, project }: Configured): Configured | undefined =>
  editor?.servers.find((one) => one.name === name && one.project === project);
