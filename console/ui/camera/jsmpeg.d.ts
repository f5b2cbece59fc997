/** The part of JSMpeg that is used here; the package brings no types. */
declare module '@cycjimmy/jsmpeg-player' {
  interface Options {
    canvas: HTMLCanvasElement;
    audio: false;
    /** The page's policy allows none. */
    disableWebAssembly: true;
    /** Its listener would outlive it. */
    pauseWhenHidden: false;
    /** 0: not by itself; a ticket is good once. */
    reconnectInterval: 0;
    /** Called once, when its first bytes are here. */
    onSourceEstablished(): void;
  }
  const JSMpeg: {
    Player: new (url: string, options: Options) => { source: { socket: WebSocket }; destroy(): void };
  };
  export default JSMpeg;
}
