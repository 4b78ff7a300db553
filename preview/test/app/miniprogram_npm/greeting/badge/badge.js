Component({ data: { text: require('../index.js')('badge') } });
