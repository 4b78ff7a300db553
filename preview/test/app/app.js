App({
  log: [],
  onLaunch({ path, query }) {
    this.log.push(`launch ${path} ${JSON.stringify(query)}`);
  },
  onShow() {
    this.log.push('app show');
  },
  onHide() {
    this.log.push('app hide');
  },
});
