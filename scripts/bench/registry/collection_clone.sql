SELECT project_clone('many', 'Copy', owner => 'ada');
